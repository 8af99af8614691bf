-- What the functions of the suites are called with.
wrk.method = "POST"
wrk.body = '{"message":"hello"}'
wrk.headers["content-type"] = "application/json"
