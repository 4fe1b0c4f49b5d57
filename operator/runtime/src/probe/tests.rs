use super::{ask, serve};
use snc_core::flow::Protocol;
use snc_plan::probe::Asked;
use std::net::{TcpListener, UdpSocket};
use std::thread;
use std::time::Duration;

fn free() -> u16 {
    // Of both protocols.
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Where nothing is enforced everything comes through, and both sides say so.
#[test]
fn both_sides_say_what_came_through() {
    let ports = [free(), free(), free()];
    let server = thread::spawn(move || serve::serve(ports, ports[0]).unwrap());
    let asked = ask::ask(&["127.0.0.1".parse().unwrap()], ports, Duration::from_secs(20), Duration::ZERO);
    let received = server.join().unwrap();
    assert_eq!(asked.len(), 8);
    assert!(asked.iter().all(|one| one.answered), "{asked:?}");
    assert_eq!(received.len(), 6);
    for port in ports {
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            let one = received.iter().find(|one| one.port == port && one.protocol == protocol).unwrap();
            assert!(one.packets > 0, "{received:?}");
        }
    }
}

#[test]
fn nobody_there_is_no_answer() {
    let ports = [free(), free(), free()];
    let asked = ask::ask(&["127.0.0.1".parse().unwrap()], ports, Duration::ZERO, Duration::ZERO);
    assert!(asked.iter().all(|one: &Asked| !one.answered), "{asked:?}");
    let of: Vec<u16> = asked.iter().filter(|one| one.protocol == Protocol::Tcp).map(|one| one.port).collect();
    assert_eq!(of, [ports[0], ports[1], ports[2], ports[0]]);
}
