#[prefork::application]
struct Application;

fn main() {}
