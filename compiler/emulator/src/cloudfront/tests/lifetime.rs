//! The end of an edge is the end of all that it started.

use super::*;

#[tokio::test]
async fn nothing_outlives_the_edge() {
    let (who, address) = {
        let setup = Setup::new().await;
        (setup.viewer("who").await.json(), setup.edge.address())
    };
    assert!(is_gone(&who["pid"]).await);
    assert!(is_closed(address).await);
}

#[tokio::test]
async fn a_stopped_edge_is_gone_at_once() {
    let setup = Setup::new().await;
    let task_root = setup.viewer("root").await.json();
    let address = setup.edge.address();
    setup.edge.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    assert!(!std::path::Path::new(task_root.as_str().unwrap()).exists());
}

async fn is_closed(address: std::net::SocketAddr) -> bool {
    // The listener closes once its task is next polled.
    for _ in 0..3_000 {
        if tokio::net::TcpStream::connect(address).await.is_err() {
            return true;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    false
}

/// Whether a process ends soon. A zombie has ended.
pub(super) async fn is_gone(pid: &Value) -> bool {
    let path = format!("/proc/{pid}/stat");
    for _ in 0..3_000 {
        match std::fs::read_to_string(&path) {
            Ok(stat) if !stat.contains(") Z ") => {}
            _ => return true,
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    false
}
