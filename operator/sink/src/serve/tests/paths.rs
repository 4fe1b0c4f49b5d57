//! Ways to write an address that mean something else to somebody else. None of them is anything here.

use super::{Scene, error, marks_in};

#[tokio::test]
async fn addresses_are_taken_letter_by_letter() {
    let scene = Scene::new().await;
    for path in [
        "/",
        "//v1/events?tenant=b",
        "/v1//events?tenant=b",
        "/v1/events/?tenant=b",
        "/v1/./events?tenant=b",
        "/v1/x/../events?tenant=b",
        "/v1/%2e%2e/v1/events?tenant=b",
        "/v1/events%2f?tenant=b",
        "/v1/events;x?tenant=b",
        "/V1/events?tenant=b",
        "/v1/Events?tenant=b",
        "/v1%2fevents?tenant=b",
        "/%761/events?tenant=b",
        "/v1/events%00?tenant=b",
        "/v1/events%3Ftenant=b",
        "/v1/events/tenant.b",
        "/v1/export/tenant.b/000000000001.seg",
        "/tenant.b/000000000001.seg",
        "/v1/events\\?tenant=b",
        "/v1/status/../events?tenant=b",
        "/v2/events?tenant=b",
        "/v1/alarms//acknowledge",
        "/v1/alarms/../acknowledge",
        "/v1/alarms/acknowledge",
        "*",
    ] {
        for who in ["alice", "auditor"] {
            let reply = scene.get(who, path).await;
            assert!(matches!(reply.code, 404 | 400 | 405), "{path}: {reply:?}");
            assert_eq!(marks_in(&reply.text()), Vec::<&str>::new(), "{path}");
        }
        let reply = scene.client.ask("GET", path, "", b"").await;
        assert!(matches!(reply.code, 401 | 400), "{path}: {reply:?}");
    }
}

#[tokio::test]
async fn parameters_are_taken_once_and_by_their_names() {
    let scene = Scene::new().await;
    for (query, field) in [
        ("tenant=a&tenant=b", "tenant"),
        ("tenant=b&tenant=a", "tenant"),
        ("tenant=a&%74enant=b", "query"),
        ("tenant=a&Tenant=b", "query"),
        ("tenant=a&tenant[]=b", "query"),
        ("tenant=a;tenant=b", "tenant"),
        ("tenant=a,b", "tenant"),
        ("tenant=*", "tenant"),
        ("tenant=A", "tenant"),
        ("tenant=%2561", "tenant"),
        ("tenant=a%00", "tenant"),
        ("tenant=a%2F..%2Fb", "tenant"),
        ("tenant=..", "tenant"),
        ("tenant=%C3%A0", "tenant"),
        ("tenant=%EF%BD%81", "tenant"),
        ("tenant=%D0%B0", "tenant"),
        ("tenant=a%20", "tenant"),
        ("tenant=+a", "tenant"),
        ("tenant=tenant.b", ""),
        ("tenant=platform", ""),
        ("tenant=a&platform=true", "tenant"),
        ("tenant=a&partition=tenant.b", "query"),
        ("tenant=a&namespace=a-one&namespace=b-one", "namespace"),
        ("tenant=a&unknown=1", "query"),
        ("tenant=a&", "query"),
        ("platform=1", "platform"),
        ("namespace=b-one", "tenant"),
        ("", "tenant"),
    ] {
        let reply = scene.get("alice", &format!("/v1/events?{query}")).await;
        assert_eq!(marks_in(&reply.text()), Vec::<&str>::new(), "{query}");
        if field.is_empty() {
            assert_eq!(reply.code, 403, "{query}");
        } else {
            assert_eq!((reply.code, error(&reply)["field"].as_str()), (400, Some(field)), "{query}");
        }
    }
    // Bytes that no address may have do not get so far.
    for raw in ["tenant=\u{e0}", "tenant=a b", "tenant=a\tb", "tenant=<b>"] {
        let reply = scene.get("alice", &format!("/v1/events?{raw}")).await;
        assert!(matches!(reply.code, 400), "{raw}: {reply:?}");
        assert_eq!(marks_in(&reply.text()), Vec::<&str>::new());
    }
}

#[tokio::test]
async fn what_is_too_long_is_refused() {
    let scene = Scene::new().await;
    let long = format!("/v1/events?tenant=a&user={}", "a".repeat(9000));
    assert_eq!(scene.get("alice", &long).await.code, 414);
    let longer = format!("/v1/events?tenant=a&user={}", "a".repeat(200_000));
    assert!(matches!(scene.get("alice", &longer).await.code, 414 | 431 | 400));
    let path = format!("/v1/{}", "a".repeat(20_000));
    assert_eq!(scene.get("alice", &path).await.code, 404);
    let many = (0..200).map(|n| format!("x-{n}: 1\r\n")).collect::<Vec<_>>().concat();
    let headers = format!("authorization: Bearer alice-token\r\n{many}");
    assert_eq!(scene.client.ask("GET", "/v1/events?tenant=a", &headers, b"").await.code, 431);
    let headers = format!("authorization: Bearer {}\r\n", "a".repeat(20_000));
    assert_eq!(scene.client.ask("GET", "/v1/status", &headers, b"").await.code, 401);
}

#[tokio::test]
async fn other_ways_to_bring_a_token_are_none() {
    let scene = Scene::new().await;
    for headers in [
        "authorization: Bearer alice-token\r\nauthorization: Bearer bob-token\r\n",
        "authorization: Basic YWxpY2U6YWxpY2UtdG9rZW4=\r\n",
        "authorization: alice-token\r\n",
        "authorization: Bearer alice-token, Bearer bob-token\r\n",
        "cookie: token=alice-token\r\n",
        "x-remote-user: auditor\r\nx-remote-group: system:masters\r\n",
        "impersonate-user: auditor\r\n",
        "x-forwarded-user: auditor\r\n",
    ] {
        let reply = scene.client.ask("GET", "/v1/events?tenant=a", headers, b"").await;
        assert_eq!(reply.code, 401, "{headers}");
        assert!(reply.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")));
    }
    let reply = scene.client.ask("GET", "/v1/events?tenant=a&access_token=alice-token", "", b"").await;
    assert_eq!(reply.code, 401);
    // What is beside a token changes nothing of whose it is.
    let headers = "authorization: Bearer bob-token\r\nimpersonate-user: alice\r\nx-remote-user: alice\r\n";
    assert_eq!(scene.client.ask("GET", "/v1/events?tenant=a", headers, b"").await.code, 403);
    // Nor does a second request that is hidden in the first.
    let hidden = "GET /v1/events?tenant=b HTTP/1.1\r\nhost: x\r\nauthorization: Bearer alice-token\r\n\r\n";
    let smuggled = format!(
        "GET /v1/events?tenant=b HTTP/1.1\r\nhost: x\r\nauthorization: Bearer alice-token\r\ncontent-length: {}\r\n\
         transfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}",
        hidden.len()
    );
    let reply = scene.client.raw(smuggled.as_bytes()).await;
    assert!(reply.code >= 400 && marks_in(&reply.text()).is_empty(), "{reply:?}");
}
