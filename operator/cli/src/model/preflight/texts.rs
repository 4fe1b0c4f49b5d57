//! What the lack of each check costs, and what to do about it.

use snc_core::lang::Lang;

type Pair = (&'static str, &'static str);

/// Check, cost (fr, en), remedy (fr, en).
const TEXTS: &[(&str, Pair, Pair)] = &[
    (
        "server-version",
        (
            "sur une version non essayée, l'ordre des suppressions et l'admission peuvent différer : une isolation annoncée peut ne pas tenir",
            "on an untested version the order of deletions and admission may differ: an isolation that is announced may not hold",
        ),
        ("passez à Kubernetes 1.34, 1.35 ou 1.36", "move to Kubernetes 1.34, 1.35 or 1.36"),
    ),
    (
        "network-plugin",
        (
            "sans extension qui les applique partout, les NetworkPolicy n'arrêtent aucun paquet (13.1) ; qu'elle soit connue pour le faire ne prouve rien des paquets",
            "without a plugin that enforces them everywhere, NetworkPolicies stop no packet (13.1); that it is known to do so proves nothing of packets",
        ),
        (
            "installez une extension qui applique les NetworkPolicy sur chaque nœud, mesurez-la, puis déclarez-la dans SncBaseline.spec.network.enforcement avec sa preuve",
            "install a plugin that enforces NetworkPolicies on every node, measure it, then state it in SncBaseline.spec.network.enforcement with its evidence",
        ),
    ),
    (
        "network-policy-kinds",
        (
            "ces règles peuvent ouvrir ce que les NetworkPolicy ferment, et cette version ne les lit pas : NetworkPolicyEffective reste Unknown",
            "these policies can open what NetworkPolicies close, and this version does not read them: NetworkPolicyEffective stays Unknown",
        ),
        ("retirez-les, ou jugez-les vous-même", "remove them, or judge them yourself"),
    ),
    (
        "validating-admission-policy",
        (
            "sans elle aucune garde n'agit : un pod peut démarrer avant l'isolation, un tenant changer ses labels",
            "without it no guard acts: a pod can start before isolation, a tenant can change its labels",
        ),
        (
            "activez le plugin d'admission ValidatingAdmissionPolicy (actif par défaut)",
            "turn on the admission plugin ValidatingAdmissionPolicy (on by default)",
        ),
    ),
    (
        "node-restriction",
        (
            "un nœud compromis peut modifier les autres nœuds et leurs pods, dans tous les tenants",
            "a compromised node can change other nodes and their pods, in all tenants",
        ),
        (
            "ajoutez NodeRestriction à --enable-admission-plugins du serveur d'API",
            "add NodeRestriction to --enable-admission-plugins of the API server",
        ),
    ),
    (
        "pod-security",
        (
            "les labels Pod Security n'arrêtent rien : un pod privilégié sort de son conteneur, et de son tenant",
            "Pod Security labels stop nothing: a privileged pod leaves its container, and its tenant",
        ),
        (
            "activez le plugin PodSecurity (actif par défaut) et vérifiez ses exemptions",
            "turn on the plugin PodSecurity (on by default) and check its exemptions",
        ),
    ),
    (
        "quota-admission",
        (
            "les quotas et limites ne retiennent personne : un tenant peut épuiser les nœuds des autres",
            "quotas and limits hold nobody back: a tenant can exhaust the nodes of others",
        ),
        (
            "activez les plugins ResourceQuota et LimitRanger (actifs par défaut)",
            "turn on the plugins ResourceQuota and LimitRanger (on by default)",
        ),
    ),
    (
        "audit-log",
        (
            "sans journal d'audit, personne ne peut dire qui a changé quoi (12.6) ; ce que la politique d'audit retient et combien de temps ne se voit pas d'ici",
            "without an audit log nobody can tell who changed what (12.6); what the audit policy keeps and for how long cannot be seen from here",
        ),
        (
            "donnez --audit-policy-file et --audit-log-path au serveur d'API, ou demandez-le à votre fournisseur",
            "give --audit-policy-file and --audit-log-path to the API server, or ask your provider",
        ),
    ),
    (
        "crds",
        (
            "l'opérateur ne lit pas ce que le serveur ne sert pas, et se trompe sur un schéma qui n'est pas le sien",
            "the operator does not read what the server does not serve, and errs on a schema that is not its own",
        ),
        (
            "appliquez charts/snc-operator/crds de cette version (Helm n'actualise pas les CRD)",
            "apply charts/snc-operator/crds of this version (Helm does not update CRDs)",
        ),
    ),
    (
        "guards",
        (
            "ce que la garde absente ou changée refuse passe, surtout quand l'opérateur est arrêté",
            "what the absent or changed guard refuses gets through, above all while the operator is down",
        ),
        (
            "démarrez l'opérateur, qui les écrit, ou appliquez manifests/guards.yaml ; cherchez qui les a changées",
            "start the operator, which writes them, or apply manifests/guards.yaml; find out who changed them",
        ),
    ),
    (
        "isolation-gate",
        (
            "un pod peut être admis dans un namespace avant que son isolation soit relue",
            "a pod can be admitted in a namespace before its isolation was read back",
        ),
        (
            "installez le chart (il crée le namespace témoin), démarrez l'opérateur, puis relancez ; il faut le droit de créer des pods dans le namespace témoin",
            "install the chart (it makes the canary namespace), start the operator, run this again; the right to create pods in the canary namespace is needed",
        ),
    ),
    (
        "operator-rights",
        (
            "l'opérateur ne peut pas appliquer, réparer ou relire ce qui manque : l'isolation s'arrête en route",
            "the operator cannot apply, repair or read back what is missing: isolation stops on its way",
        ),
        (
            "installez le chart avec ses droits (rbac-controller.yaml) ; pour vérifier, il faut le droit de créer des subjectaccessreviews",
            "install the chart with its rights (rbac-controller.yaml); to check, the right to create subjectaccessreviews is needed",
        ),
    ),
    (
        "your-rights",
        (
            "les commandes de kubectl snc qui en ont besoin répondent en partie, ou « impossible de décider »",
            "the commands of kubectl snc that need them answer in part, or \"could not decide\"",
        ),
        (
            "demandez ces droits de lecture à la plateforme, ou nommez un de vos namespaces avec -n",
            "ask the platform for these rights to read, or name one of your namespaces with -n",
        ),
    ),
    (
        "policy-engines",
        (
            "ils peuvent refuser ou changer ce que l'opérateur écrit, et bloquer l'isolation quand ils sont en panne",
            "they can refuse or change what the operator writes, and block isolation when they are down",
        ),
        (
            "vérifiez que leurs règles laissent passer ce que snc-operator écrit, et ce qu'ils font quand ils ne répondent pas (failurePolicy)",
            "check that their rules let through what snc-operator writes, and what they do when they do not answer (failurePolicy)",
        ),
    ),
];

pub fn about(check: &str, lang: Lang) -> (&'static str, &'static str) {
    let found = TEXTS.iter().find(|(name, ..)| *name == check);
    found.map_or(("", ""), |(_, costs, to_do)| (lang.str(costs.0, costs.1), lang.str(to_do.0, to_do.1)))
}
