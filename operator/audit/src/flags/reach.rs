use snc_core::text::Text;

/// How the API server reaches an audit webhook: `k8s.io/apiserver/pkg/server/options/audit.go` asks the egress selector for
/// the dialer of `controlplane`, and dials by itself where there is none.
pub fn reach() -> Vec<Text> {
    vec![
        Text::new(
            "Adresse : l'API server ne connaît pas les Services ici, il ouvre l'URL du fichier telle quelle, depuis son propre \
             réseau (celui de l'hôte) et avec le résolveur de l'hôte, où les noms en .svc n'existent pas. Donner une adresse \
             IP : celle d'un Service (ClusterIP fixé, si kube-proxy ou son remplaçant tourne sur les nœuds de contrôle), \
             celle d'un nœud avec un hostPort, ou 127.0.0.1 si le puits est à côté ; et tls-server-name, le nom du \
             certificat.",
            "Address: the API server knows no Services here, it opens the URL of the file as it is, from its own network \
             (the host's) and with the host's resolver, where names in .svc do not exist. Give an IP address: a Service's (a \
             fixed ClusterIP, where kube-proxy or what replaces it runs on the control-plane nodes), a node's with a \
             hostPort, or 127.0.0.1 where the sink is beside it; and tls-server-name, the certificate's name.",
        ),
        Text::new(
            "Konnectivity : le webhook d'audit ne passe jamais par la sélection « cluster » du fichier \
             --egress-selector-config-file (celle du tunnel vers les nœuds et les pods, la seule de la plupart des \
             installations). Il passe par « controlplane » s'il y en a une : directement si son proxyProtocol est Direct, par \
             son mandataire sinon. Sans elle, ou sans ce fichier, la connexion est directe. Un plan de contrôle hébergé hors du \
             réseau du cluster ne joint donc ni ClusterIP ni IP de pod : exposer le puits à une adresse qu'il atteint, ou \
             déclarer « controlplane », qui vaut aussi pour les webhooks d'authentification.",
            "Konnectivity: the audit webhook never goes through the selection \"cluster\" of the file \
             --egress-selector-config-file (that of the tunnel to nodes and pods, the only one of most installations). It goes \
             through \"controlplane\" if there is one: directly where its proxyProtocol is Direct, by its proxy otherwise. \
             Without it, or without the file, the connection is direct. So a control plane that is hosted outside of the \
             cluster's network reaches neither a ClusterIP nor a pod's IP: expose the sink at an address that it reaches, or \
             declare \"controlplane\", which then holds for authentication webhooks too.",
        ),
        Text::new(
            "Identité : un certificat par API server, car c'est son sujet qui dit lequel a parlé. Ces fichiers sont relus quand \
             ils changent ; l'adresse et le nom ne le sont pas.",
            "Identity: one certificate for each API server, for its subject tells which one spoke. These files are read again \
             when they change; the address and the name are not.",
        ),
    ]
}
