"""304 for who has it: gRPC knows no such status, and the transcoder makes 200 of every reply that is no error.

A service says `x-cho-not-modified` on an empty reply (kit/rpc/caching.py). Outside the transcoder a few lines of Lua
make 304 without a body of it, on the routes of methods that anybody may keep, and nowhere else: other routes run no
script. gRPC clients get the empty reply, should they ask by If-None-Match. Over HTTP/1.1 Envoy writes
`content-length: 0`, which caches may not take over from a 304 (RFC 9111, 3.2).
"""

from __future__ import annotations

from typing import Any

from gateway.methods import Method
from gateway.typed import typed
from kit.rpc.caching import NOT_MODIFIED

LUA_FILTER = "envoy.filters.http.lua"
_SCRIPT = "not_modified"
_LUA = f"""
function envoy_on_response(reply)
  local headers = reply:headers()
  if headers:get("{NOT_MODIFIED}") == nil then return end
  headers:remove("{NOT_MODIFIED}")
  local kind = headers:get("content-type") or ""
  if headers:get(":status") ~= "200" or string.find(kind, "application/grpc", 1, true) == 1 then return end
  headers:replace(":status", "304")
  headers:remove("content-type")
  headers:remove("content-length")
  local body = reply:body()
  if body ~= nil then body:setBytes("") end
end
"""


def lua_filter() -> dict[str, Any]:
    """The filter, which does nothing but where a route says so. It stands before the transcoder, so that it has the
    reply after it."""
    config = typed("extensions.filters.http.lua.v3.Lua", source_codes={_SCRIPT: {"inline_string": _LUA}})
    return {"name": LUA_FILTER, "typed_config": config}


def per_route(method: Method) -> dict[str, Any]:
    """What the route of a method that anybody may keep asks of the filter."""
    if not method.cached:
        return {}
    return {LUA_FILTER: typed("extensions.filters.http.lua.v3.LuaPerRoute", name=_SCRIPT)}
