use crate::reason;
use std::borrow::Cow;
use std::io::{self, Read, Write};

/// What is answered.
///
/// The host adds `Date`, `Content-Length` (or sends in chunks) and `Connection`, and leaves a body out where there may
/// be none, as for `HEAD`.
///
/// ```
/// use prefork::Response;
///
/// let page = Response::html("<h1>Hello</h1>").header("Cache-Control", "max-age=60");
/// let created = Response::new(201).header("Location", "/orders/17");
/// let image = Response::new(200).header("Content-Type", "image/png").body(vec![0x89, b'P', b'N', b'G']);
/// ```
pub struct Response {
    status: Cow<'static, str>,
    headers: Vec<(Cow<'static, str>, Vec<u8>)>,
    pub(crate) content: Content,
}

pub(crate) type Producer = Box<dyn FnOnce(&mut dyn Write) -> io::Result<()>>;

pub(crate) enum Content {
    Bytes(Cow<'static, [u8]>),
    Stream(Producer),
    Reader(Box<dyn Read>, Option<u64>),
}

/// A body: text or bytes, owned or `'static`.
///
/// ```
/// use prefork::Response;
///
/// let static_text = Response::new(200).body("text");
/// let owned_bytes = Response::new(200).body(vec![1, 2, 3]);
/// ```
pub struct Bytes(Cow<'static, [u8]>);

macro_rules! bytes_from {
    ($($type:ty, $value:ident => $bytes:expr;)*) => {$(
        impl From<$type> for Bytes {
            fn from($value: $type) -> Bytes {
                Bytes($bytes)
            }
        }
    )*};
}
bytes_from! {
    &'static str, text => Cow::Borrowed(text.as_bytes());
    String, text => Cow::Owned(text.into_bytes());
    &'static [u8], bytes => Cow::Borrowed(bytes);
    Vec<u8>, bytes => Cow::Owned(bytes);
    Cow<'static, str>, text => match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    };
}

impl<const N: usize> From<&'static [u8; N]> for Bytes {
    fn from(bytes: &'static [u8; N]) -> Bytes {
        Bytes(Cow::Borrowed(bytes))
    }
}

impl Response {
    /// An empty answer of this status, with the words that belong to it.
    ///
    /// ```
    /// let teapot = prefork::Response::new(418);
    /// assert_eq!(teapot.status_line(), "418 I'm a teapot");
    /// ```
    pub fn new(status: u16) -> Response {
        Response::with(status, Bytes(Cow::Borrowed(b"")))
    }

    /// Text of the type `text/plain`.
    ///
    /// ```
    /// let answer = prefork::Response::text(format!("{} apples", 3));
    /// ```
    pub fn text(text: impl Into<Cow<'static, str>>) -> Response {
        Response::with(200, text.into()).header("Content-Type", "text/plain; charset=utf-8")
    }

    /// Text of the type `text/html`.
    ///
    /// ```
    /// let answer = prefork::Response::html("<p>Hello</p>");
    /// ```
    pub fn html(text: impl Into<Cow<'static, str>>) -> Response {
        Response::with(200, text.into()).header("Content-Type", "text/html; charset=utf-8")
    }

    /// Text that is JSON already, of the type `application/json`.
    ///
    /// ```
    /// let answer = prefork::Response::json(r#"{"ok":true}"#);
    /// ```
    pub fn json(text: impl Into<Cow<'static, str>>) -> Response {
        Response::with(200, text.into()).header("Content-Type", "application/json")
    }

    /// 303: the client is to get another address.
    ///
    /// ```
    /// let answer = prefork::Response::redirect("/thanks");
    /// assert_eq!(answer.status_line(), "303 See Other");
    /// ```
    pub fn redirect(to: impl Into<Vec<u8>>) -> Response {
        Response::new(303).header("Location", to)
    }

    /// 404 with a line of text.
    ///
    /// ```
    /// assert_eq!(prefork::Response::not_found().status_line(), "404 Not Found");
    /// ```
    pub fn not_found() -> Response {
        Response::text("not found\n").status(404)
    }

    /// A body that is written piece by piece after the function has returned. Small pieces are gathered; `flush` sends
    /// what there is. An error from the writer says that the client is gone, and is best handed on with `?`.
    ///
    /// ```
    /// use prefork::Response;
    ///
    /// let numbers = Response::stream(|out| {
    ///     for number in 0..1000 {
    ///         writeln!(out, "{number}")?;
    ///     }
    ///     Ok(())
    /// });
    /// ```
    pub fn stream(produce: impl FnOnce(&mut dyn Write) -> io::Result<()> + 'static) -> Response {
        Response { status: status_line(200), headers: Vec::new(), content: Content::Stream(Box::new(produce)) }
    }

    /// A body that is read from somewhere, such as a file; `length` where it is known.
    ///
    /// ```no_run
    /// # fn f() -> std::io::Result<prefork::Response> {
    /// let file = std::fs::File::open("report.pdf")?;
    /// let length = file.metadata()?.len();
    /// Ok(prefork::Response::reader(file, Some(length)).header("Content-Type", "application/pdf"))
    /// # }
    /// ```
    pub fn reader(from: impl Read + 'static, length: Option<u64>) -> Response {
        Response { status: status_line(200), headers: Vec::new(), content: Content::Reader(Box::new(from), length) }
    }

    /// Another status.
    ///
    /// ```
    /// let answer = prefork::Response::text("no such order\n").status(404);
    /// ```
    #[must_use]
    pub fn status(mut self, status: u16) -> Response {
        self.status = status_line(status);
        self
    }

    /// Another status, with words of one's own.
    ///
    /// ```
    /// let answer = prefork::Response::new(200).reason(299, "Nearly OK");
    /// assert_eq!(answer.status_line(), "299 Nearly OK");
    /// ```
    #[must_use]
    pub fn reason(mut self, status: u16, words: &str) -> Response {
        self.status = Cow::Owned(format!("{status} {words}"));
        self
    }

    /// One more header; a name may be there several times, as for `Set-Cookie`. One that may not be sent, such as a
    /// value with a line break, is found when the answer is sent: the client gets 500 and the log says which.
    ///
    /// ```
    /// let answer = prefork::Response::text("hi").header("Set-Cookie", "a=1").header("Set-Cookie", "b=2");
    /// ```
    #[must_use]
    pub fn header(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Vec<u8>>) -> Response {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Several more headers.
    ///
    /// ```
    /// let answer = prefork::Response::new(200).headers([("X-One", "1"), ("X-Two", "2")]);
    /// ```
    #[must_use]
    pub fn headers<N: Into<Cow<'static, str>>, V: Into<Vec<u8>>>(
        mut self,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Response {
        self.headers.extend(headers.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Another body.
    ///
    /// ```
    /// let answer = prefork::Response::new(409).body("somebody was faster\n");
    /// ```
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Response {
        self.content = Content::Bytes(body.into().0);
        self
    }

    /// Status and words as they are sent.
    ///
    /// ```
    /// assert_eq!(prefork::Response::new(200).status_line(), "200 OK");
    /// ```
    pub fn status_line(&self) -> &str {
        &self.status
    }

    pub(crate) fn header_list(&self) -> Vec<(&[u8], &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_slice())).collect()
    }

    fn with(status: u16, body: impl Into<Bytes>) -> Response {
        Response { status: status_line(status), headers: Vec::new(), content: Content::Bytes(body.into().0) }
    }
}

fn status_line(status: u16) -> Cow<'static, str> {
    match status {
        200 => Cow::Borrowed("200 OK"),
        404 => Cow::Borrowed("404 Not Found"),
        _ => Cow::Owned(format!("{status} {}", reason(status))),
    }
}
