//! Market data: sources, price history, and the update queue
