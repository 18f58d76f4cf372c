//! Resource samples and the load factor
