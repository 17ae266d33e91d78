"""The gateway: Envoy, configured from the protos. It is a table, not a program.

`methods.py` reads every RPC with its route, roles and rate class out of `protos/gen/descriptors.binpb`;
`bootstrap.py` turns that into Envoy's bootstrap (transcoding, JWT, rate limits, CORS, deadlines, one error
shape); `openapi.py` turns the same into the API's description. No Python runs between a phone and a service.

    python -m gateway --out .cho/envoy.json      # holds the edge secret: written with mode 0600
    python -m gateway --openapi                  # prints the OpenAPI document
"""
