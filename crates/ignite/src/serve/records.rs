//! One line per finished execution, on its way to the platform without ever holding up a request.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::gate::Pressure;
use super::record_line::Record;

/// A batch leaves when it is this old…
const PAUSE: Duration = Duration::from_millis(50);
/// …or this large.
const BATCH: usize = 32 * 1024;
/// What may wait for a reader that is slow; further lines are dropped and counted.
const WAITING: usize = 256 * 1024;

/// Where records go.
#[derive(Clone)]
pub(crate) enum Records {
    /// Nowhere: a test.
    None,
    /// To a person, one short line each.
    Terminal,
    /// To the platform.
    Pipe(Arc<Pipe>),
}

pub(crate) struct Pipe {
    /// Until the thread that writes has it.
    file: Mutex<Option<File>>,
    queue: Mutex<Queue>,
    filled: Condvar,
    emptied: Condvar,
}

#[derive(Default)]
struct Queue {
    lines: String,
    dropped: u64,
    writing: bool,
    closing: bool,
    gone: bool,
}

impl Queue {
    /// Counts the line as dropped when there is none.
    fn has_room(&mut self, line: &str) -> bool {
        let fits = self.lines.len() + line.len() <= WAITING;
        self.dropped += u64::from(!fits);
        fits
    }
}

thread_local! {
    /// Where a line is written before it joins the others, so that they wait for each other as little as possible.
    static LINE: RefCell<String> = const { RefCell::new(String::new()) };
}

impl Records {
    pub(crate) fn to_file(file: File) -> Self {
        let file = Mutex::new(Some(file));
        Self::Pipe(Arc::new(Pipe { file, queue: Mutex::default(), filled: Condvar::new(), emptied: Condvar::new() }))
    }

    /// Starts the thread that writes; until then records wait. One of its own, because a pipe that is full blocks
    /// whoever writes to it.
    pub(crate) fn start(&self) -> io::Result<()> {
        let Self::Pipe(pipe) = self else { return Ok(()) };
        let Some(file) = pipe.file.lock().unwrap_or_else(PoisonError::into_inner).take() else { return Ok(()) };
        let writer = pipe.clone();
        let thread = std::thread::Builder::new().name("ignite-records".into()).stack_size(128 * 1024);
        thread.spawn(move || writer.write_all(file)).map(drop)
    }

    pub(crate) fn push(&self, record: &Record<'_>) {
        match self {
            Self::None => {}
            Self::Terminal => eprintln!("{}", record.for_reading()),
            Self::Pipe(pipe) => pipe.push(record),
        }
    }

    /// Tells how many run and wait, if the platform listens.
    pub(crate) fn push_pressure(&self, pressure: Pressure, at: u64) {
        if let Self::Pipe(pipe) = self {
            pipe.push_line(&pressure.to_line(at));
        }
    }

    /// Writes what is left, for at most `patience`.
    pub(crate) fn close(&self, patience: Duration) {
        if let Self::Pipe(pipe) = self {
            pipe.close(patience);
        }
    }
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, record: &Record<'_>) {
        let kept = LINE.try_with(|line| self.push_by(&mut line.borrow_mut(), record));
        // The thread that ends the process has lost its own before the last records are written.
        if kept.is_err() {
            self.push_by(&mut String::new(), record);
        }
    }

    fn push_by(&self, line: &mut String, record: &Record<'_>) {
        line.clear();
        record.write_to(line);
        let mut queue = self.lock();
        if queue.gone || !queue.has_room(line) {
            return;
        }
        if queue.dropped > 0 {
            line.push_str(&format!(",\"dropped\":{}", std::mem::take(&mut queue.dropped)));
        }
        line.push_str("}\n");
        self.put(queue, line);
    }

    fn push_line(&self, line: &str) {
        let queue = self.lock();
        // Nobody misses one of these: the next tells more.
        if !queue.gone && queue.lines.len() + line.len() <= WAITING {
            self.put(queue, line);
        }
    }

    fn put(&self, mut queue: MutexGuard<'_, Queue>, line: &str) {
        let before = queue.lines.len();
        queue.lines.push_str(line);
        // The writer sleeps in between; only the first line and a full batch wake it.
        let wake = before == 0 || (before < BATCH && queue.lines.len() >= BATCH);
        drop(queue);
        if wake {
            self.filled.notify_one();
        }
    }

    fn close(&self, patience: Duration) {
        let until = Instant::now() + patience;
        let mut queue = self.lock();
        queue.closing = true;
        self.filled.notify_one();
        while (queue.writing || !queue.lines.is_empty()) && !queue.gone {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            queue = self.emptied.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn write_all(&self, mut file: File) {
        let mut batch = String::new();
        loop {
            self.next_batch(&mut batch);
            let written = write_patiently(&mut file, batch.as_bytes());
            let mut queue = self.lock();
            queue.writing = false;
            queue.gone |= written.is_err();
            let gone = queue.gone;
            drop(queue);
            self.emptied.notify_all();
            if gone {
                return;
            }
        }
    }

    /// Exchanges an old batch for the next one.
    fn next_batch(&self, batch: &mut String) {
        batch.clear();
        let mut queue = self.lock();
        while queue.lines.is_empty() {
            queue = self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        let until = Instant::now() + PAUSE;
        while queue.lines.len() < BATCH && !queue.closing {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            queue = self.filled.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        queue.writing = true;
        std::mem::swap(&mut queue.lines, batch);
    }
}

/// The other end may have made the descriptor one that does not wait.
fn write_patiently(file: &mut File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(Duration::from_millis(5)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Read};

    fn pipe() -> (io::PipeReader, File) {
        let (reader, writer) = io::pipe().unwrap();
        (reader, std::os::fd::OwnedFd::from(writer).into())
    }

    fn started(file: File) -> Records {
        let records = Records::to_file(file);
        records.start().unwrap();
        records
    }

    fn push(records: &Records, n: usize) {
        let (execution, error) = (format!("e{n}"), "é".repeat(600));
        records.push(&Record { execution: &execution, status: 200, error: Some(&error), ..Record::default() });
    }

    #[test]
    fn counts_the_lines_a_slow_reader_misses() {
        let (reader, writer) = pipe();
        let records = started(writer);
        (0..1000).for_each(|n| push(&records, n));
        let reading = std::thread::spawn(move || {
            let mut seen = 0;
            let mut lines = BufReader::new(reader).lines().map(Result::unwrap).inspect(|_| seen += 1);
            let counting = lines.find(|line| line.contains("\"dropped\":")).unwrap();
            drop(lines);
            (seen, counting)
        });
        // When the reader has caught up, the next line tells what it missed.
        records.close(Duration::from_secs(5));
        push(&records, 1000);
        let (seen, counting) = reading.join().unwrap();
        let line: serde_json::Value = serde_json::from_str(&counting).unwrap();
        assert_eq!(seen + line["dropped"].as_u64().unwrap(), 1001);
        assert_eq!(line["error"].as_str().unwrap().len(), 1024);
    }

    #[test]
    fn closing_writes_the_rest_and_gives_up_on_a_reader_that_never_reads() {
        let (mut reader, writer) = pipe();
        let records = started(writer);
        push(&records, 1);
        records.close(Duration::from_secs(5));
        let mut line = [0; 16];
        reader.read_exact(&mut line).unwrap();
        assert_eq!(&line, b"{\"execution\":\"e1");

        let (_reader, writer) = pipe();
        let records = started(writer);
        (0..500).for_each(|n| push(&records, n));
        let began = Instant::now();
        records.close(Duration::from_millis(50));
        assert!(began.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn a_reader_that_has_gone_costs_nothing() {
        let (reader, writer) = pipe();
        drop(reader);
        let records = started(writer);
        push(&records, 1);
        records.close(Duration::from_secs(5));
        push(&records, 2);
        records.close(Duration::from_secs(5));
    }
}
