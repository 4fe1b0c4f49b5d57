use super::*;
use crate::image::{Config, Layer};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

fn release() -> Release {
    let config = |architecture: &str| Config { architecture: architecture.to_owned(), ..Config::default() };
    let layer = Layer::default().file("snc-operator", 0o755, "binary").unwrap();
    let images = ["amd64", "arm64"].map(|name| Image::new(&config(name), &layer).unwrap()).to_vec();
    let files = [(CHECKSUMS, "sums"), (PROVENANCE, "{}"), ("kubectl-snc", "\x7fELF")];
    Release {
        files: files.map(|(name, content)| (name.to_owned(), content.into())).into(),
        index: Image::platforms(&images).unwrap(),
        images,
    }
}

fn json(path: PathBuf) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn blob(output: &Path, descriptor: &Value) -> PathBuf {
    output.join("image/blobs").join(descriptor["digest"].as_str().unwrap().replacen(':', "/", 1))
}

#[test]
fn every_image_and_both_lists_are_signed_by_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let output = dir.path().join("out");
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let file = dir.path().join("key.pem");
    fs::write(&file, pair.serialize_pem()).unwrap();
    let release = release();
    let signed = write(&output, &release, "registry.example/snc", Some(&Key::read(&file).unwrap())).unwrap();
    assert_eq!(signed.len(), 5, "{signed:?}");

    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, pair.public_key_raw().to_vec());
    let verify = |message: &[u8], signature: &str| {
        public.verify(message, &STANDARD.decode(signature).unwrap()).unwrap();
    };
    for name in [CHECKSUMS, PROVENANCE] {
        let signature = fs::read_to_string(output.join(format!("{name}.sig"))).unwrap();
        verify(&release.files[name], &signature);
    }
    let index = json(output.join("image/index.json"));
    let entries = index["manifests"].as_array().unwrap();
    for image in [&release.index].into_iter().chain(&release.images) {
        let tag = format!("{}.sig", image.digest().replacen(':', "-", 1));
        let named =
            |entry: &&Value| entry["annotations"]["org.opencontainers.image.ref.name"] == tag.as_str();
        let manifest = json(blob(&output, entries.iter().find(named).unwrap()));
        let layer = &manifest["layers"][0];
        let payload = fs::read(blob(&output, layer)).unwrap();
        verify(&payload, layer["annotations"]["dev.cosignproject.cosign/signature"].as_str().unwrap());
        let payload: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(payload["critical"]["image"]["docker-manifest-digest"], image.digest());
    }
    let kinds = |kind: &str| entries.iter().filter(|entry| entry["annotations"][KIND] == kind).count();
    assert_eq!((kinds(KIND_OF_INDEX), kinds(KIND_OF_SIGNATURE)), (1, 1));
}

#[test]
fn without_a_key_nothing_is_signed() {
    let dir = tempfile::tempdir().unwrap();
    let output = dir.path().join("a/b");
    assert!(write(&output, &release(), "snc-operator", None).unwrap().is_empty());
    assert!(!output.join(format!("{CHECKSUMS}.sig")).exists());
    let index = json(output.join("image/index.json"));
    assert_eq!(index["manifests"].as_array().unwrap().len(), 1);
    let annotations = &index["manifests"][0]["annotations"];
    assert_eq!(annotations["io.containerd.image.name"], format!("docker.io/library/snc-operator:{VERSION}"));
    let mode = |name: &str| fs::metadata(output.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("kubectl-snc"), 0o755);
    assert_ne!(mode(CHECKSUMS) & 0o111, 0o111);
}

#[test]
fn a_release_replaces_a_release_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let output = dir.path().join("out");
    write(&output, &release(), "snc-operator", None).unwrap();
    fs::write(output.join("old"), "").unwrap();
    write(&output, &release(), "snc-operator", None).unwrap();
    assert!(!output.join("old").exists() && output.join(CHECKSUMS).exists());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);

    let other = dir.path().join("other");
    fs::create_dir(&other).unwrap();
    check(&other).unwrap();
    fs::write(other.join("precious"), "").unwrap();
    assert!(check(&other).unwrap_err().to_string().contains("--output"));
    assert!(write(&other, &release(), "snc-operator", None).is_err());
    assert!(other.join("precious").exists());
}
