use super::*;
use std::{collections::BTreeSet, io::Read, path::Path};

fn config() -> Config {
    Config {
        architecture: "amd64".to_owned(),
        entrypoint: vec!["/pause".to_owned()],
        user: "65534:65534".to_owned(),
        ..Config::default()
    }
}

fn layer() -> Layer {
    Layer::default().file("pause", 0o755, "binary").unwrap().directory("etc", 0o755).unwrap()
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    crate::harness::workspace::files_below(dir)
        .unwrap()
        .into_iter()
        .map(|path| (path.strip_prefix(dir).unwrap().display().to_string(), std::fs::read(path).unwrap()))
        .collect()
}

#[test]
fn the_order_in_which_files_were_added_does_not_show() {
    let other = Layer::default().directory("etc", 0o755).unwrap().file("pause", 0o755, "binary").unwrap();
    let (one, two) = (Image::new(&config(), &layer()).unwrap(), Image::new(&config(), &other).unwrap());
    assert_eq!(one.digest(), two.digest());
    assert_eq!(one.blobs, two.blobs);
}

#[test]
fn every_input_changes_the_digest() {
    let image = |config: &Config, layer: &Layer| Image::new(config, layer).unwrap().digest().to_owned();
    let user = Config { user: "0:0".to_owned(), ..config() };
    let arm = Config { architecture: "arm64".to_owned(), ..config() };
    let digests = [
        image(&config(), &layer()),
        image(&user, &layer()),
        image(&arm, &layer()),
        image(&config(), &layer().file("more", 0o644, "").unwrap()),
        image(&config(), &Layer::default().file("pause", 0o755, "another").unwrap()),
        image(&config(), &Layer::default().file("pause", 0o644, "binary").unwrap()),
    ];
    assert_eq!(digests.iter().collect::<BTreeSet<_>>().len(), digests.len());
}

/// Follows the digests as a container runtime does.
#[test]
fn a_layout_holds_what_its_digests_say() {
    let dir = tempfile::tempdir().unwrap();
    let arm = Config { architecture: "arm64".to_owned(), ..config() };
    let images = [Image::new(&config(), &layer()).unwrap(), Image::new(&arm, &layer()).unwrap()];
    let index = Image::platforms(&images).unwrap();
    Layout::default().image("localhost/pause:1", &index).write_dir(dir.path()).unwrap();
    let files = files(dir.path());
    let json = |name: &str| -> Value { serde_json::from_slice(&files[name]).unwrap() };
    let blob = |descriptor: &Value| -> Vec<u8> {
        let digest_of = descriptor["digest"].as_str().unwrap();
        let blob = files[&format!("blobs/{}", digest_of.replacen(':', "/", 1))].clone();
        assert_eq!(digest(&blob), digest_of);
        assert_eq!(descriptor["size"], blob.len());
        blob
    };
    assert_eq!(json("oci-layout")["imageLayoutVersion"], "1.0.0");
    let named = &json("index.json")["manifests"][0];
    assert_eq!(named["annotations"]["io.containerd.image.name"], "localhost/pause:1");
    let index: Value = serde_json::from_slice(&blob(named)).unwrap();
    assert_eq!(index["manifests"][1]["platform"]["architecture"], "arm64");
    for descriptor in index["manifests"].as_array().unwrap() {
        let manifest: Value = serde_json::from_slice(&blob(descriptor)).unwrap();
        let config: Value = serde_json::from_slice(&blob(&manifest["config"])).unwrap();
        let mut tar = Vec::new();
        let compressed = blob(&manifest["layers"][0]);
        flate2::read::GzDecoder::new(compressed.as_slice()).read_to_end(&mut tar).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][0], digest(&tar));
        let mut archive = tar::Archive::new(tar.as_slice());
        let entries: Vec<(String, u32, u64)> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let header = entry.header();
                let path = entry.path().unwrap().display().to_string();
                (path, header.mode().unwrap(), header.mtime().unwrap())
            })
            .collect();
        assert_eq!(entries, [("etc".to_owned(), 0o755, 0), ("pause".to_owned(), 0o755, 0)]);
    }
}

#[test]
fn paths_out_of_the_image_and_twice_in_it_are_refused() {
    for path in ["/etc", "../etc", "etc/../..", "", "./etc"] {
        assert!(Layer::default().file(path, 0o644, "").is_err(), "{path}");
    }
    assert!(layer().file("pause", 0o755, "").is_err());
}

#[test]
fn a_port_is_no_tag() {
    let image = Image::new(&config(), &layer()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let layout =
        Layout::default().image("localhost:5000/pause", &image).image("localhost:5000/pause:1", &image);
    layout.write_dir(dir.path()).unwrap();
    let index: Value = serde_json::from_slice(&files(dir.path())["index.json"]).unwrap();
    let tag = |at: usize| &index["manifests"][at]["annotations"]["org.opencontainers.image.ref.name"];
    assert_eq!((tag(0), tag(1)), (&json!("latest"), &json!("1")));
}

/// What `cosign verify` reads, in the order in which it reads it.
#[test]
fn a_signature_names_the_image_that_it_is_of() {
    let image = Image::platforms(&[Image::new(&config(), &layer()).unwrap()]).unwrap();
    let payload = payload("registry.example/pause", &image).unwrap();
    let (tag, signature) = signature(&image, payload.clone(), "c2lnbmVk").unwrap();
    assert_eq!(tag, format!("sha256-{}.sig", image.digest().strip_prefix("sha256:").unwrap()));
    let manifest: Value = serde_json::from_slice(&signature.blobs[signature.digest()]).unwrap();
    let layer = &manifest["layers"][0];
    assert_eq!(layer["annotations"]["dev.cosignproject.cosign/signature"], "c2lnbmVk");
    assert_eq!(signature.blobs[layer["digest"].as_str().unwrap()], payload);
    let signed: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(signed["critical"]["image"]["docker-manifest-digest"], image.digest());
    assert_eq!(signed["critical"]["identity"]["docker-reference"], "registry.example/pause");
}
