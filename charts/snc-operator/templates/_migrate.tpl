{{- define "snc.migrate.name" -}}snc-migrate{{- end }}

{{/* Its own name: what selects the operator's pods must not select this one. */}}
{{- define "snc.migrate.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/name: snc-migrate
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Rights of the pre-upgrade Job: there before it, gone with it, whatever came of it. */}}
{{- define "snc.migrate.rights" -}}
helm.sh/hook: pre-upgrade
helm.sh/hook-weight: "-5"
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded,hook-failed
{{- end }}
