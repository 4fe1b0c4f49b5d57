{{/* Its own name: what selects the operator's pods must not select these. */}}
{{- define "snc.webhook.selector" -}}
app.kubernetes.io/name: snc-webhook
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "snc.webhook.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{ include "snc.webhook.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Fixed: the name in the certificate and in the ValidatingWebhookConfiguration. */}}
{{- define "snc.webhook.name" -}}snc-webhook{{- end }}
