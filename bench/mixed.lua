-- What many merchants do all day: payments, customers, looking things up. Each connection thinks
-- for a while before its next request, so that the server is busy and not full.
-- wrk ... -- KEYS_FILE FIRST LAST CUSTOMER_PREFIX CUSTOMERS SEED PAUSE_MS

require("summary")

local keys, customers, customer_prefix, pause = {}, 0, "", 0

function init(args)
  local number, first, last = 0, tonumber(args[2]), tonumber(args[3])
  for key in io.lines(args[1]) do
    number = number + 1
    if number >= first and number <= last then keys[#keys + 1] = "Bearer " .. key end
  end
  customer_prefix, customers = args[4], tonumber(args[5])
  math.randomseed(tonumber(args[6]))
  pause = tonumber(args[7])
  wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
end

function delay()
  return math.random(0, 2 * pause)
end

local function customer()
  return customer_prefix .. string.format("%04d", math.random(customers))
end

function request()
  wrk.headers["Authorization"] = keys[math.random(#keys)]
  local kind = math.random(10)
  if kind <= 4 then
    local body = "amount=" .. math.random(500, 99999) .. "&currency=usd&confirm=true"
      .. "&payment_method=pm_card_visa&customer=" .. customer()
    return wrk.format("POST", "/v1/payment_intents", nil, body)
  elseif kind <= 5 then
    return wrk.format("POST", "/v1/customers", nil, "name=Ada")
  elseif kind <= 7 then
    return wrk.format("GET", "/v1/customers/" .. customer())
  elseif kind <= 9 then
    return wrk.format("GET", "/v1/balance")
  end
  return wrk.format("GET", "/v1/payment_intents?limit=10")
end
