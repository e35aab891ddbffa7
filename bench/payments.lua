-- Payments as a merchant's server sends them: one POST each, over connections kept alive.
-- wrk ... -- KEYS_FILE MERCHANTS CUSTOMER_PREFIX CUSTOMERS SEED [PAUSE_MS]

require("summary")

local keys, customers, customer_prefix = {}, 0, ""
local channels = { "web", "ios", "android", "pos", "phone" }

function init(args)
  for key in io.lines(args[1]) do
    keys[#keys + 1] = "Bearer " .. key
    if #keys == tonumber(args[2]) then break end
  end
  customer_prefix, customers = args[3], tonumber(args[4])
  math.randomseed(tonumber(args[5]))
  if args[6] then
    delay = function() return tonumber(args[6]) end
  end
  wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
  wrk.headers["Stripe-Version"] = "2026-10-28.endive"
  wrk.headers["User-Agent"] = "Stripe/v1 PythonBindings/16.1.0"
end

local function hex(digits)
  return string.format("%0" .. digits .. "x", math.random(0, 16 ^ digits - 1))
end

local function uuid()
  return hex(8) .. "-" .. hex(4) .. "-4" .. hex(3) .. "-a" .. hex(3) .. "-" .. hex(6) .. hex(6)
end

function request()
  wrk.headers["Authorization"] = keys[math.random(#keys)]
  wrk.headers["Idempotency-Key"] = uuid()
  local body = "amount=" .. math.random(500, 99999)
    .. "&currency=usd&confirm=true&payment_method=pm_card_visa&payment_method_types[0]=card"
    .. "&customer=" .. customer_prefix .. string.format("%04d", math.random(customers))
    .. "&metadata[order_id]=" .. math.random(100000, 999999)
    .. "&metadata[cart]=" .. hex(8) .. hex(8)
    .. "&metadata[channel]=" .. channels[math.random(#channels)]
  return wrk.format("POST", "/v1/payment_intents", nil, body)
end
