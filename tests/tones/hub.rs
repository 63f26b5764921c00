//! A hub of models on this machine, as far as a client sees it: a file with its hash as its tag,
//! behind a redirect, in ranges; and everything that may go wrong with that.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What the hub does.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The file.
    pub file: Vec<u8>,
    /// What it is tagged with.
    pub etag: String,
    pub commit: String,
    /// Answer with this status instead.
    pub status: Option<u16>,
    /// Of the first so many downloads only so many bytes come.
    pub cut: (usize, usize),
    /// Answer with all of the file whatever is asked for.
    pub ignores_ranges: bool,
}

impl Plan {
    pub fn of(file: &[u8], etag: &str) -> Self {
        Self {
            file: file.to_vec(),
            etag: etag.to_owned(),
            commit: "c0ffee".to_owned(),
            status: None,
            cut: (0, 0),
            ignores_ranges: false,
        }
    }
}

/// A hub that runs until it is dropped.
pub struct Hub {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Hub {
    pub fn new(mut plan: Plan) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (requests, stop) = (Arc::clone(&requests), Arc::clone(&stop));
            move || {
                for stream in listener.incoming() {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    // A client that goes away is no failure of the hub.
                    if let Ok(stream) = stream {
                        let _ = answer(stream, address, &mut plan, &requests);
                    }
                }
            }
        });
        Self {
            address,
            requests,
            stop,
            thread: Some(thread),
        }
    }

    /// What `HF_ENDPOINT` is to be.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Paths and ranges that were asked for.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // The thread waits for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(
    mut stream: TcpStream,
    address: SocketAddr,
    plan: &mut Plan,
    requests: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or(Ok(String::new()))?;
    let path = first.split(' ').nth(1).unwrap_or("").to_owned();
    let mut range = String::new();
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        let line = line.to_lowercase();
        if let Some(bytes) = line.strip_prefix("range: bytes=") {
            range = bytes.to_owned();
        }
    }
    requests.lock().unwrap().push(format!("{path} {range}"));
    let Plan {
        file,
        etag,
        commit,
        status,
        cut,
        ignores_ranges,
    } = plan;
    let common = format!("etag: \"{etag}\"\r\nx-repo-commit: {commit}\r\nconnection: close\r\n");
    if let Some(status) = status {
        return write!(
            stream,
            "HTTP/1.1 {status} No\r\n{common}content-length: 0\r\n\r\n"
        );
    }
    if !path.starts_with("/cdn/") {
        return write!(
            stream,
            "HTTP/1.1 302 Found\r\n{common}x-linked-etag: \"{etag}\"\r\nlocation: \
             http://{address}/cdn{path}\r\ncontent-length: 0\r\n\r\n"
        );
    }
    let (from, to) = range.split_once('-').unwrap_or(("0", ""));
    let from = from.parse().unwrap_or(0).min(file.len());
    let to = to
        .parse()
        .map_or(file.len(), |to: usize| (to + 1).min(file.len()));
    let is_download = range.ends_with('-');
    let (from, to) = match *ignores_ranges && is_download {
        true => (0, file.len()),
        false => (from, to),
    };
    let total = file.len();
    write!(
        stream,
        "HTTP/1.1 206 Partial Content\r\n{common}content-range: bytes {from}-{}/{total}\r\n\
         content-length: {}\r\n\r\n",
        to.saturating_sub(1),
        to - from,
    )?;
    let end = match is_download && 0 < cut.0 {
        true => {
            cut.0 -= 1;
            (from + cut.1).min(to)
        }
        false => to,
    };
    stream.write_all(&file[from..end])
}
