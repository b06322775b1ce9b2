//! A way to a server that breaks, or gets stuck, where the test wants it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Where the way breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The server never hears of the commit.
    Before,
    /// The server has committed, and its answer is lost.
    After,
}

/// A proxy before a server. Once, it cuts the connection that has carried a given text, at that connection's next commit. And while it is
/// told to, it carries nothing more over connections that have carried a given text.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    armed: Arc<Mutex<Option<(&'static str, Cut)>>>,
    stuck: watch::Sender<Option<&'static str>>,
    connections: Arc<AtomicUsize>,
}

impl Proxy {
    pub(crate) async fn start(server_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let armed = Arc::new(Mutex::new(None));
        let (stuck, _) = watch::channel(None);
        let connections = Arc::new(AtomicUsize::new(0));
        let proxy = Self { address, armed, stuck, connections };
        let (armed, stuck, count) =
            (Arc::clone(&proxy.armed), proxy.stuck.clone(), Arc::clone(&proxy.connections));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", server_port)).await.unwrap();
                let (armed, stuck, count) = (Arc::clone(&armed), stuck.subscribe(), Arc::clone(&count));
                tokio::spawn(async move {
                    count.fetch_add(1, Ordering::SeqCst);
                    carry(client, server, armed, stuck).await;
                    count.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        proxy
    }

    pub(crate) fn arm(&self, text: &'static str, cut: Cut) {
        *self.armed.lock().unwrap() = Some((text, cut));
    }

    pub(crate) fn has_cut(&self) -> bool {
        self.armed.lock().unwrap().is_none()
    }

    /// Carries nothing over connections that have carried this text; everything again without.
    pub(crate) fn stick(&self, text: Option<&'static str>) {
        self.stuck.send_replace(text);
    }

    /// How many connections are open.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    armed: Arc<Mutex<Option<(&'static str, Cut)>>>,
    mut stuck: watch::Receiver<Option<&'static str>>,
) {
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    let (mut has_carried, mut swallow, mut carried) = (false, false, Vec::new());
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(count @ 1..) = read else { return };
                let piece = &up[..count];
                carried.extend_from_slice(piece);
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
                if !is_free(&mut stuck, &carried).await || server.write_all(piece).await.is_err() { return }
            }
            read = server.read(&mut down) => {
                let Ok(count @ 1..) = read else { return };
                // The answer to the commit: it is done, and nobody is told.
                if swallow || !is_free(&mut stuck, &carried).await || client.write_all(&down[..count]).await.is_err() { return }
            }
        }
    }
}

/// Waits until a connection that has carried this is not stuck; false when the proxy has ended.
async fn is_free(stuck: &mut watch::Receiver<Option<&'static str>>, carried: &[u8]) -> bool {
    stuck.wait_for(|text| !text.is_some_and(|text| holds(carried, text.as_bytes()))).await.is_ok()
}

fn holds(piece: &[u8], wanted: &[u8]) -> bool {
    piece.windows(wanted.len()).any(|window| window == wanted)
}
