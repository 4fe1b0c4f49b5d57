//! Signatures in a real registry, made by cosign: what no declared key signed does not start, and what runs without is
//! told of. The webhook and the operator ask with the credentials that are mounted.

use crate::images::{import, pod};
use crate::scene::{asked, set};
use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use serde_json::{Value, json};
use snc_core::image::Digest;
use snc_core::names::{LABEL_IMAGES, LABEL_TENANT};
use snc_e2e::api::{Answer, Answered};
use snc_e2e::cluster::{Cluster, OPERATOR, OPERATOR_NAMESPACE};
use snc_e2e::cosign::{Cosign, Form, Pair};
use snc_e2e::objects::{
    BASELINES, Kind, NAMESPACES, TENANTS, at, baseline, condition, label, namespace, new_namespace, policy,
};
use snc_e2e::registry::{BASIC, Registry};
use snc_e2e::wait::{eventually, within};
use snc_e2e::webhook::Webhook;
use std::fs;
use std::time::Duration;
use xtask::harness::{Environment, Tool, Toolchain, User};

const STRICT: &str = "signee";
const OBSERVED: &str = "signee-vue";
const KEYS: &str = "signing";
const POLICY: &str = "images";
/// Registries are asked about what runs every half a minute, and assessments are written every twenty seconds.
const PATIENCE: Duration = Duration::from_secs(90);

struct Scene<'c> {
    cluster: &'c Cluster,
    registry: Registry,
    cosign: Cosign,
    a: Pair,
    b: Pair,
    signed: Digest,
    bare: Digest,
    foreign: Digest,
}

pub fn judged(cluster: &Cluster) -> Result<()> {
    let mut scene = Scene::start(cluster)?;
    let files = tempfile::tempdir()?;
    let (credentials, authorities) = (files.path().join("config.json"), files.path().join("ca.pem"));
    let basic = BASIC.trim_start_matches("Basic ");
    let mounted = json!({"auths": {scene.registry.address(): {"auth": basic}}});
    fs::write(&credentials, mounted.to_string())?;
    fs::write(&authorities, &scene.registry.ca)?;
    let (credentials, authorities) = (credentials.display().to_string(), authorities.display().to_string());
    let access = ["--registry-credentials", &credentials, "--registry-authorities", &authorities];
    set(cluster)?;
    cluster.stop_operator()?;
    cluster.start_operator(&access)?;
    let result = Webhook::serving_with(
        cluster,
        "webhook-signed",
        &access,
        || asked(cluster),
        |webhook, _| {
            scene.govern()?;
            scene.refuses()?;
            scene.own_scan()?;
            scene.tells()?;
            scene.keys_change()?;
            scene.registry.stop();
            scene.without_registry()?;
            // What is mounted is in no log.
            for name in [OPERATOR, webhook.name()] {
                ensure!(!cluster.log_of(name)?.contains(basic), "{name} logs credentials");
            }
            Ok(())
        },
    );
    for path in [at(TENANTS, STRICT), at(TENANTS, OBSERVED), at(BASELINES, KEYS)] {
        // It may have failed before they were there.
        if cluster.admin.find(&path)?.is_some() {
            cluster.platform.delete(path)?;
        }
    }
    cluster.stop_operator()?;
    cluster.start_operator(&[])?;
    result
}

impl<'c> Scene<'c> {
    fn start(cluster: &'c Cluster) -> Result<Self> {
        let tools = Toolchain::find_tools(&Environment::current()?, &Tool::SIGNATURES)?
            .context("no registry and cosign; `cargo xtask test --only e2e` gets them")?;
        let registry = Registry::start(tools.path(Tool::Registry)?.to_path_buf())?;
        let cosign = Cosign::new(tools.path(Tool::Cosign)?.to_path_buf())?;
        let (a, b) = (cosign.generate("a")?, cosign.generate("b")?);
        let [signed, bare, foreign] =
            ["signed", "bare", "foreign"].map(|name| registry.image(&format!("shop/{name}"), "1"));
        let (signed, bare, foreign) = (signed?, bare?, foreign?);
        cosign.sign(&registry, &a, Form::Bundle, "shop/signed", &signed)?;
        cosign.sign(&registry, &b, Form::Tag, "shop/foreign", &foreign)?;
        Ok(Self { cluster, registry, cosign, a, b, signed, bare, foreign })
    }

    fn image(&self, name: &str, digest: &Digest) -> String {
        format!("{}/shop/{name}@{digest}", self.registry.address())
    }

    /// A baseline for everybody: whose signature counts.
    fn keys(&self, name: &str, pair: &Pair) -> Result<Value> {
        let line = format!("{}/shop {name} {}", self.registry.address(), key(pair)?);
        Ok(baseline(
            KEYS,
            json!({"parameters": [{"control": "image-signed", "name": "keys", "value": [line],
                "rationale": "la clé de qui publie"}]}),
        ))
    }

    fn govern(&self) -> Result<()> {
        let platform = &self.cluster.platform;
        let mut wrong = self.keys("a", &self.a)?;
        wrong["spec"]["parameters"][0]["value"] = json!(["https://registry.example a AAAA"]);
        platform.create(BASELINES, wrong)?;
        within(PATIENCE, "a key that cannot be read to be refused", || {
            let found = self.cluster.admin.get(at(BASELINES, KEYS))?;
            let said = condition(&found, "Consistent").context("nothing is said")?;
            let message = said["message"].as_str().unwrap_or_default();
            ensure!(said["status"] == "False" && message.contains("spec.parameters[0].value[0]"), "{said}");
            Ok(())
        })?;
        platform.merge(at(BASELINES, KEYS), json!({"spec": self.keys("a", &self.a)?["spec"]}))?;
        let spec = json!({"tenantSelector": {"matchLabels": {"images": "signed"}}, "modes": {"images": "Enforce"},
            "parameters": [{"control": "image-registry", "name": "registries", "value": [self.registry.address()],
            "rationale": "le registre des essais"}]});
        platform.create(BASELINES, baseline("images-signed", spec))?;
        for (name, images, mode) in [(STRICT, "signed", "Enforce"), (OBSERVED, "observed", "Audit")] {
            let tenant = json!({"apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncTenant",
                "metadata": {"name": name, "labels": {"images": images}},
                "spec": {"level": "Avance", "namespaces": [name]}});
            platform.create(TENANTS, tenant)?;
            platform.create(NAMESPACES, new_namespace(name, json!({LABEL_TENANT: name})))?;
            eventually("the mode of images", || {
                let found = self.cluster.admin.get(namespace(name))?;
                ensure!(label(&found, LABEL_IMAGES) == Some(mode), "{}", found["metadata"]);
                self.cluster
                    .admin
                    .get(Kind::ServiceAccount.one(name, "default"))
                    .map(drop)
                    .map_err(Into::into)
            })?;
        }
        for (name, digest) in [("signed", &self.signed), ("bare", &self.bare), ("foreign", &self.foreign)] {
            let report = grype(&self.image(name, digest), digest);
            import(self.cluster, User::Platform, &report, OPERATOR_NAMESPACE, &[])?;
        }
        Ok(())
    }

    fn tried(&self, image: &str) -> Answer {
        let pods = format!("{}?dryRun=All", Kind::Pod.all(STRICT));
        self.cluster.admin.create(pods, pod("a", image))
    }

    fn refused(&self, image: &str, texts: &[&str]) -> Result<()> {
        within(PATIENCE, "the image to be refused", || self.tried(image).refused_with(texts).map(drop))
    }

    fn admitted(&self, image: &str) -> Result<()> {
        within(PATIENCE, "the image to be admitted", || Ok(self.tried(image).map(drop)?))
    }

    fn refuses(&self) -> Result<()> {
        self.admitted(&self.image("signed", &self.signed))?;
        self.refused(&self.image("bare", &self.bare), &["image-signed", "without a signature"])?;
        self.refused(
            &self.image("foreign", &self.foreign),
            &["image-signed", "made by none of the declared keys"],
        )?;
        let tag = format!("{}/shop/signed:1", self.registry.address());
        self.refused(&tag, &["image-signed", "a tag can move"])?;
        // The same content, in a place where nobody is to sign.
        let elsewhere = format!("{}/other/signed@{}", self.registry.address(), self.signed);
        self.refused(&elsewhere, &["image-signed", "no key is declared"])
    }

    /// A tenant's own scan counts once a key that the platform names signed it, as it is.
    fn own_scan(&self) -> Result<()> {
        let (cluster, name) = (self.cluster, "own");
        let digest = self.registry.image("shop/own", "1")?;
        self.cosign.sign(&self.registry, &self.a, Form::Bundle, "shop/own", &digest)?;
        let image = self.image(name, &digest);
        let report = grype(&image, &digest);
        import(cluster, User::Admin, &report, STRICT, &[])?;
        self.refused(&image, &["image-scanned", "tenant may have written"])?;

        let files = tempfile::tempdir()?;
        let [file, signature] = ["report.json", "bundle.json"].map(|name| files.path().join(name));
        fs::write(&file, report.to_string())?;
        let file = file.display().to_string();
        let line = cluster.kubectl_snc(User::Admin, &["image", "statement", &file])?;
        ensure!(line.code == Some(0) && line.stdout.starts_with("snc-image-scan/v1 sha256:"), "{line:?}");
        fs::write(&signature, self.cosign.sign_blob(&self.a, line.stdout.as_bytes())?)?;
        let signature = signature.display().to_string();
        import(cluster, User::Admin, &report, STRICT, &["--signature", &signature])?;
        // Nobody has named the key yet.
        self.refused(&image, &["image-scanned", "tenant may have written"])?;
        let baseline = at(BASELINES, "images-signed");
        let mut parameters = cluster.admin.get(&baseline)?["spec"]["parameters"].clone();
        let key = format!("ci {}", key(&self.a)?);
        for control in ["image-scanned", "image-overdue", "image-scan-database"] {
            let named = json!({"control": control, "name": "scanKeys", "value": [key],
                "rationale": "la chaîne de construction analyse et signe"});
            parameters.as_array_mut().context("parameters")?.push(named);
        }
        cluster.platform.merge(&baseline, json!({"spec": {"parameters": parameters}}))?;
        self.admitted(&image)?;
        // Another date, and the signature is of another scan.
        let scan = format!("sha256-{}-grype", digest.hex());
        let changed = json!({"spec": {"scannedAt": Timestamp::now().to_string()}});
        cluster.admin.merge(Kind::SncImageScan.one(STRICT, &scan), changed)?;
        self.refused(&image, &["image-scanned", "tenant may have written"])
    }

    fn runs(&self, name: &str, digest: &Digest) -> Result<()> {
        let admin = &self.cluster.admin;
        admin.create(Kind::Pod.all(OBSERVED), pod(name, &self.image(name, digest)))?;
        let status = json!({"status": {"phase": "Running", "containerStatuses": [{"name": "main", "image": "x",
            "imageID": self.image(name, digest), "ready": true, "restartCount": 0}]}});
        admin.merge(format!("{}/status", Kind::Pod.one(OBSERVED, name)), status)?;
        Ok(())
    }

    fn said(&self, status: &str, reason: &str) -> Result<Value> {
        within(PATIENCE, reason, || {
            let found = self.cluster.admin.get(Kind::SncPolicy.one(OBSERVED, POLICY))?;
            let said = condition(&found, "ImagesVerified").context("nothing is said")?;
            ensure!(said["status"] == status && said["reason"] == reason, "{said}");
            Ok(found["status"]["images"].clone())
        })
    }

    /// Of what runs, by the operator itself, without anybody being held up.
    fn tells(&self) -> Result<()> {
        self.cluster.platform.create(Kind::SncPolicy.all(OBSERVED), policy(POLICY, json!({})))?;
        self.runs("signed", &self.signed)?;
        let numbers = self.said("True", "ImagesInTime")?;
        ensure!(numbers["signed"] == 1 && numbers["running"] == 1, "{numbers}");
        self.runs("bare", &self.bare)?;
        let numbers = self.said("False", "ImagesUnsigned")?;
        ensure!(numbers["signed"] == 1 && numbers["unsigned"] == 1, "{numbers}");
        within(PATIENCE, "the assessment of the tenant", || {
            let found = self.cluster.admin.get(Kind::SncAssessment.one(OBSERVED, "snc-assessment"))?;
            let controls = found["status"]["controls"].as_array().context("no controls")?;
            let own = controls.iter().find(|one| one["id"] == "image-signed").context("no image-signed")?;
            ensure!(own["fail"] == 1 && own["pass"] == 1, "{own}");
            Ok(())
        })?;
        let metrics = self.cluster.metrics(OPERATOR)?;
        let count = |state: &str| metrics.get(&format!("snc_image_signatures{{state=\"{state}\"}}"));
        // Pods of other tests run as well, from places that nobody declares.
        ensure!(count("signed") == Some(&1) && count("unsigned") >= Some(&1), "{metrics:?}");
        self.cluster.admin.delete(Kind::Pod.one(OBSERVED, "bare"))?;
        self.said("True", "ImagesInTime").map(drop)
    }

    /// The key of before counts no more from the moment that it is not declared.
    fn keys_change(&self) -> Result<()> {
        let spec = self.keys("b", &self.b)?["spec"].clone();
        self.cluster.platform.merge(at(BASELINES, KEYS), json!({"spec": spec}))?;
        self.refused(&self.image("signed", &self.signed), &["made by none of the declared keys"])?;
        self.admitted(&self.image("foreign", &self.foreign))?;
        self.said("False", "ImagesUnsigned").map(drop)
    }

    /// What was verified stays so for a while; what was never seen is not let in.
    fn without_registry(&self) -> Result<()> {
        self.admitted(&self.image("foreign", &self.foreign))?;
        let never = Digest::parse(&format!("sha256:{}", "7".repeat(64))).context("a digest")?;
        self.refused(&self.image("foreign", &never), &["image-signed", "registry out of reach"])
    }
}

/// What stands between the lines of its file.
fn key(pair: &Pair) -> Result<String> {
    Ok(pair.pem()?.lines().filter(|line| !line.starts_with("-----")).collect())
}

/// A report of Grype that found nothing, with a database of today.
fn grype(image: &str, digest: &Digest) -> Value {
    let now = Timestamp::now().to_string();
    json!({"matches": [], "source": {"type": "image", "target": {"userInput": image, "manifestDigest": digest,
            "repoDigests": [image]}},
        "descriptor": {"name": "grype", "version": "0.104.0", "timestamp": now,
            "db": {"status": {"built": now, "schemaVersion": "v6.1.0", "valid": true}}}})
}
