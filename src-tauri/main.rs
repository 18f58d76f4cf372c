fn main() { eider::run(); }
