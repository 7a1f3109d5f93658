-- For wrk: requests for a working set of objects of about the same size, each one again after all the others.
--
--   wrk -s disk.lua URL -- FIRST COUNT    asks for URL/FIRST, URL/FIRST+1, ... COUNT of them, in a fixed disorder

local prepared = {}
local last = 0

function init(arguments)
  local first, count = tonumber(arguments[1]), tonumber(arguments[2])
  for number = 0, count - 1 do
    local place = (number * 89) % count -- COUNT is a power of two, so this visits each once
    prepared[number + 1] = wrk.format("GET", wrk.path .. "/" .. (first + place))
  end
end

function request()
  last = last % #prepared + 1
  return prepared[last]
end
