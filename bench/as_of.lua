-- The balance of an account as it was known at random instants. wrk ... -- KEY ACCOUNT FIRST LAST

require("summary")

local path, first, last = "", 0, 0

function init(args)
  wrk.headers["Authorization"] = "Bearer " .. args[1]
  path = "/v1/ledger/accounts/" .. args[2] .. "/balance?known_at="
  first, last = tonumber(args[3]), tonumber(args[4])
end

function request()
  return wrk.format("GET", path .. math.random(first, last))
end
