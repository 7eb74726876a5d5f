//! A server of the test's own that reads what somebody sends, and answers the same to all.

use super::https::answer;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpSocket;

pub struct Plain {
    pub address: SocketAddr,
    ended: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Plain {
    /// Sends this and hangs up.
    pub fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |mut stream| {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
            let _ = stream.read(&mut [0; 64 * 1024]);
            let _ = stream.write_all(&answer);
        })
    }

    /// A whole answer each time, as `answer` makes it by then.
    pub fn http_by(answer: impl Fn() -> String + Send + 'static) -> Self {
        Self::start(move |mut stream| {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
            let _ = stream.read(&mut [0; 64 * 1024]);
            let _ = stream.write_all(answer().as_bytes());
        })
    }

    /// A whole answer: the rest of its status line, with header fields behind it, and its body.
    pub fn http(head: &str, body: &str) -> Self {
        Self::answering(answer(head, body))
    }

    /// Takes every connection, and never says anything.
    pub fn silent() -> Self {
        let mut taken = Vec::new();
        Self::start(move |stream| taken.push(stream))
    }

    fn start(mut serve: impl FnMut(TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ended = Arc::<AtomicBool>::default();
        let asked = Arc::<AtomicUsize>::default();
        let (end, count) = (ended.clone(), asked.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if end.load(Ordering::SeqCst) {
                    break;
                }
                count.fetch_add(1, Ordering::SeqCst);
                serve(stream);
            }
        });
        Self {
            address,
            ended,
            asked,
            thread: Some(thread),
        }
    }

    /// How many connections it has taken.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().unwrap().join();
    }
}

/// Where nobody listens.
pub fn closed() -> String {
    format!("http://{}", nobody())
}

/// Nobody can begin to listen there: the port is taken for as long as the tests run.
pub fn nobody() -> SocketAddr {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    std::mem::forget(socket);
    address
}
