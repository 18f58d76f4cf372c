//! The local HTTP API, and eiderd
