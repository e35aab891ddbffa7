-- One page of a list, again and again. wrk ... -- KEY QUERY

require("summary")

function init(args)
  wrk.headers["Authorization"] = "Bearer " .. args[1]
  wrk.path = "/v1/payment_intents?" .. args[2]
end

function request()
  return wrk.format("GET", wrk.path)
end
