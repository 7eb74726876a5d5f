//! Which process is at the other end of a loopback connection. The Runtime API gives
//! events, with the viewer's token in them, to anybody who asks. On Lambda nobody
//! else can ask. Here other users of the machine could.

use std::net::SocketAddr;

/// Whether this system tells which process a connection belongs to. Where it
/// doesn't, no real token and no real credentials may pass through a sandbox.
pub fn knows_peers() -> bool {
    cfg!(target_os = "linux")
}

/// Whether the connection from `peer` to `own` belongs to process `pid`. On Linux the
/// answer is no where it can't be told; elsewhere it never can, see [`knows_peers`].
#[cfg(target_os = "linux")]
pub(super) fn is_process(pid: u32, peer: SocketAddr, own: SocketAddr) -> bool {
    is_process_by("/proc".as_ref(), pid, peer, own)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_process(_: u32, _: SocketAddr, _: SocketAddr) -> bool {
    true
}

#[cfg(target_os = "linux")]
fn is_process_by(proc: &std::path::Path, pid: u32, peer: SocketAddr, own: SocketAddr) -> bool {
    let Ok(table) = std::fs::read_to_string(proc.join("net/tcp")) else {
        return false;
    };
    let Some(inode) = socket_inode(&table, peer, own) else {
        return false;
    };
    let wanted = format!("socket:[{inode}]");
    let Ok(descriptors) = std::fs::read_dir(proc.join(format!("{pid}/fd"))) else {
        return false;
    };
    descriptors
        .flatten()
        .filter_map(|entry| std::fs::read_link(entry.path()).ok())
        .any(|link| link.as_os_str() == wanted.as_str())
}

/// The inode of the socket bound to `local` and connected to `remote`, in the
/// text of `/proc/net/tcp`.
#[cfg(target_os = "linux")]
fn socket_inode(table: &str, local: SocketAddr, remote: SocketAddr) -> Option<&str> {
    let (local, remote) = (hex(local)?, hex(remote)?);
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let found = fields.next()? == local && fields.next()? == remote;
        // state, queues, timer, retransmits, uid, time-out; then the inode
        found.then(|| fields.nth(6)).flatten()
    })
}

/// As the kernel writes an address: the IPv4 bytes in the machine's order.
#[cfg(target_os = "linux")]
fn hex(address: SocketAddr) -> Option<String> {
    match address {
        SocketAddr::V4(v4) => {
            let ip = u32::from_ne_bytes(v4.ip().octets());
            Some(format!("{ip:08X}:{:04X}", v4.port()))
        }
        SocketAddr::V6(_) => None,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_connection_is_its_owners() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap();
        let stream = TcpStream::connect(own).unwrap();
        let peer = stream.local_addr().unwrap();
        assert!(is_process(std::process::id(), peer, own));
        // Process 1 is somebody else's, whichever user runs this test.
        assert!(!is_process(1, peer, own));
        let closed = SocketAddr::from(([127, 0, 0, 1], 1));
        assert!(!is_process(std::process::id(), closed, own));
    }

    #[test]
    fn what_cannot_be_told_is_a_no() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap();
        let stream = TcpStream::connect(own).unwrap();
        let peer = stream.local_addr().unwrap();
        let empty = tempfile::tempdir().unwrap();
        assert!(!is_process_by(empty.path(), std::process::id(), peer, own));
    }
}
