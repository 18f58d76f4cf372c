//! A cache hierarchy with regions, tags, classes and single flight
