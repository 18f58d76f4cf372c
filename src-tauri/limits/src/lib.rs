//! Rate limits, circuit breaker, retry and the one pipeline that outside calls pass
