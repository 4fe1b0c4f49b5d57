//! What an API server does with a port-forward: a WebSocket of which each frame begins with its channel.

use super::server::Asked;
use futures::{SinkExt, StreamExt};
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

pub async fn run<S>(mut stream: S, asked: &Asked, to: SocketAddr)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let key = derive_accept_key(asked.header("sec-websocket-key").unwrap().as_bytes());
    // Of those that are offered.
    let protocol = "v4.channel.k8s.io";
    assert!(asked.header("sec-websocket-protocol").unwrap().contains(protocol));
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: {key}\r\nsec-websocket-protocol: {protocol}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let port: u16 = asked.target.split("ports=").nth(1).unwrap().split('&').next().unwrap().parse().unwrap();
    let (mut to_client, mut from_client) =
        WebSocketStream::from_raw_socket(stream, Role::Server, None).await.split();
    let [low, high] = port.to_le_bytes();
    for channel in [0, 1] {
        to_client.send(Message::Binary(vec![channel, low, high].into())).await.unwrap();
    }
    let (mut from_pod, mut to_pod) = TcpStream::connect(to).await.unwrap().into_split();
    let up = tokio::spawn(async move {
        while let Some(Ok(Message::Binary(frame))) = from_client.next().await {
            if frame.first() == Some(&0) && to_pod.write_all(&frame[1..]).await.is_err() {
                return;
            }
        }
    });
    let mut piece = vec![0; 16 << 10];
    while let Ok(count) = from_pod.read(&mut piece).await {
        if count == 0 {
            break;
        }
        let frame = [&[0], &piece[..count]].concat();
        if to_client.send(Message::Binary(frame.into())).await.is_err() {
            break;
        }
    }
    let _ = to_client.close().await;
    up.abort();
}
