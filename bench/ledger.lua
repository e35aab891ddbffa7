-- Ledger transactions, one POST each. wrk ... -- ACCOUNTS_FILE HOLDERS SEED
-- Each line of the file: a key, the account that is debited, the account that is credited.

require("summary")

local holders = {}

function init(args)
  for line in io.lines(args[1]) do
    local key, debit, credit = line:match("(%S+) (%S+) (%S+)")
    holders[#holders + 1] = { "Bearer " .. key, debit, credit }
    if #holders == tonumber(args[2]) then break end
  end
  math.randomseed(tonumber(args[3]))
  wrk.headers["Content-Type"] = "application/json"
end

local function hex(digits)
  return string.format("%0" .. digits .. "x", math.random(0, 16 ^ digits - 1))
end

function request()
  local holder = holders[math.random(#holders)]
  wrk.headers["Authorization"] = holder[1]
  wrk.headers["Idempotency-Key"] = hex(8) .. hex(8) .. hex(8) .. hex(8)
  local body = string.format(
    '{"postings":[{"debit":"%s","credit":"%s","amount":%d}]}',
    holder[2], holder[3], math.random(1, 99999)
  )
  return wrk.format("POST", "/v1/ledger/transactions", nil, body)
end
