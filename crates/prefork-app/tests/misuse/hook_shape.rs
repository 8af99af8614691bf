fn ready() {}

#[prefork::application(post_fork = ready)]
fn application(_req: &mut prefork::Request) -> &'static str {
    "hello"
}

fn main() {}
