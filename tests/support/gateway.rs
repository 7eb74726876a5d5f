//! An HTTP proxy of a test's own. It knows names that nobody else does, so that what is asked of them
//! came through it.

use super::https::{closing, head};
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What it does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    Passes,
    /// Only with this in `Proxy-Authorization`.
    Asks(&'static str),
    Refuses,
}

pub struct Gateway {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Gateway {
    /// `names` leads each host that it knows to an address. It ends with the process of the tests.
    pub fn start(manner: Manner, names: &[(&str, SocketAddr)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let names: Vec<_> = names
            .iter()
            .map(|(name, address)| ((*name).to_owned(), *address))
            .collect();
        let names = Arc::new(names);
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let all = seen.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (names, seen) = (names.clone(), all.clone());
                // A client that hangs up early is no failure here.
                std::thread::spawn(move || serve(stream, manner, &names, &seen));
            }
        });
        Self { address, seen }
    }

    /// `http://127.0.0.1:3128`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The request lines that came.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(
    mut client: TcpStream,
    manner: Manner,
    names: &[(String, SocketAddr)],
    seen: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    client.set_read_timeout(Some(Duration::from_secs(120)))?;
    let head = head(&mut client)?;
    let (line, headers) = head.split_once("\r\n").unwrap_or_default();
    seen.lock().unwrap().push(line.to_owned());
    let refusal = match manner {
        Manner::Refuses => Some("403 Forbidden"),
        Manner::Asks(wanted) if !has(headers, wanted) => Some("407 Proxy Authentication Required"),
        _ => None,
    };
    if let Some(status) = refusal {
        let answer = format!(
            "HTTP/1.1 {status}\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        return client.write_all(answer.as_bytes());
    }
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let known = |place: &str| {
        let host = place.rsplit_once(':').map_or(place, |(host, _)| host);
        let found = names.iter().find(|(name, _)| name == host);
        found.map(|(_, address)| *address)
    };
    if method == "CONNECT" {
        let Some(address) = known(target) else {
            return client.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
        };
        let server = TcpStream::connect(address)?;
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
        return join(client, server);
    }
    // The whole address, of which the server gets the path.
    let (place, path) = target
        .strip_prefix("http://")
        .map(|rest| rest.split_at(rest.find('/').unwrap_or(rest.len())))
        .unwrap_or_default();
    let Some(address) = known(place) else {
        return client.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    };
    let mut server = TcpStream::connect(address)?;
    let head = closing(&format!("{method} {path} HTTP/1.1\r\n{headers}"));
    server.write_all(head.as_bytes())?;
    if headers
        .to_ascii_lowercase()
        .contains("expect: 100-continue")
    {
        client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    join(client, server)
}

fn has(headers: &str, wanted: &str) -> bool {
    let mut lines = headers.lines().filter_map(|line| line.split_once(": "));
    lines.any(|(name, value)| {
        name.eq_ignore_ascii_case("proxy-authorization") && value == format!("Basic {wanted}")
    })
}

/// Passes on both ways, until both have ended.
fn join(client: TcpStream, server: TcpStream) -> std::io::Result<()> {
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let up = std::thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        to_server.shutdown(Shutdown::Write)
    });
    let (mut from_server, mut to_client) = (server, client);
    std::io::copy(&mut from_server, &mut to_client)?;
    to_client.shutdown(Shutdown::Both)?;
    let _ = up.join();
    Ok(())
}
