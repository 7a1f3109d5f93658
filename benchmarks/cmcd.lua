-- For wrk: each request says something else about its player (CMCD, CTA-5004), as players do.
--
-- A thousand queries, prepared before the first request. wrk calls `request` once per request, so it only
-- picks the next one.

local prepared = {}
local last = 0

function init()
  local state = 20261121 -- a small generator of our own: the same queries in every run
  local function roll(low, high)
    state = (state * 16807) % 2147483647
    return low + math.floor(state / 64) % (high - low + 1)
  end
  for number = 1, 1000 do
    local session = string.format("%08x-%04x-4%03x-8%03x-%06x%06x", roll(0, 32767) * 65536 + roll(0, 32767),
      roll(0, 32767), roll(0, 4095), roll(0, 4095), roll(0, 32767), number)
    local keys = {
      string.format("bl%%3D%d", roll(0, 300) * 100),
      string.format("br%%3D%d", ({ 145, 730, 1100, 2000, 3000, 6000 })[roll(1, 6)]),
      string.format("cid%%3D%%22title-%d%%22", roll(1, 500)),
      "d%3D4004",
      string.format("mtp%%3D%d", roll(10, 400) * 100),
      "ot%3Dv",
      "sf%3Dh",
      string.format("sid%%3D%%22%s%%22", session),
      "st%3Dv",
      "tb%3D6000",
    }
    prepared[number] = wrk.format("GET", wrk.path .. "?CMCD=" .. table.concat(keys, "%2C"))
  end
end

function request()
  last = last % 1000 + 1
  return prepared[last]
end
