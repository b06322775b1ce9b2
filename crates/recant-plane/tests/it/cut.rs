//! A way to a server that breaks at a commit of the test's choice.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Where the way breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The server never hears of the commit.
    Before,
    /// The server has committed, and its answer is lost.
    After,
}

/// A proxy before a server. Once, it cuts the connection that has carried a given text, at that connection's next commit.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    armed: Arc<Mutex<Option<(&'static str, Cut)>>>,
}

impl Proxy {
    pub(crate) async fn start(server_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let armed = Arc::new(Mutex::new(None));
        let shared = Arc::clone(&armed);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", server_port)).await.unwrap();
                tokio::spawn(carry(client, server, Arc::clone(&shared)));
            }
        });
        Self { address, armed }
    }

    pub(crate) fn arm(&self, text: &'static str, cut: Cut) {
        *self.armed.lock().unwrap() = Some((text, cut));
    }

    pub(crate) fn has_cut(&self) -> bool {
        self.armed.lock().unwrap().is_none()
    }
}

async fn carry(mut client: TcpStream, mut server: TcpStream, armed: Arc<Mutex<Option<(&'static str, Cut)>>>) {
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    let (mut has_carried, mut swallow) = (false, false);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(count @ 1..) = read else { return };
                let piece = &up[..count];
                let wanted = *armed.lock().unwrap();
                if let Some((text, cut)) = wanted {
                    has_carried |= holds(piece, text.as_bytes());
                    if has_carried && holds(piece, b"COMMIT\0") {
                        *armed.lock().unwrap() = None;
                        match cut {
                            Cut::Before => return,
                            Cut::After => swallow = true,
                        }
                    }
                }
                if server.write_all(piece).await.is_err() { return }
            }
            read = server.read(&mut down) => {
                let Ok(count @ 1..) = read else { return };
                // The answer to the commit: it is done, and nobody is told.
                if swallow || client.write_all(&down[..count]).await.is_err() { return }
            }
        }
    }
}

fn holds(piece: &[u8], wanted: &[u8]) -> bool {
    piece.windows(wanted.len()).any(|window| window == wanted)
}
