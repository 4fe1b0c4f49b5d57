{{- define "snc.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/name: snc-operator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "snc.selector" -}}
app.kubernetes.io/name: snc-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "snc.image" -}}
{{- with .Values.imageRegistry }}{{ . }}/{{ end -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end }}

{{- define "snc.priorityClass" -}}{{ default "snc-operator" .Values.priorityClassName }}{{- end }}

{{/* Fixed: the guards let this ServiceAccount, and nobody else, through. */}}
{{- define "snc.serviceAccount" -}}snc-controller{{- end }}

{{- define "snc.probe.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/name: snc-probe
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* How registries are asked: read by the controller of what runs, and by the webhook of what is to. */}}
{{- define "snc.registries.env" -}}
{{- if .Values.registries.credentialsSecret }}
- name: SNC_REGISTRY_CREDENTIALS
  value: /etc/snc/registry-credentials/.dockerconfigjson
{{- end }}
{{- if .Values.registries.authoritiesConfigMap }}
- name: SNC_REGISTRY_AUTHORITIES
  value: /etc/snc/registry-authorities/ca.crt
{{- end }}
{{- if .Values.registries.tokenServers }}
{{- $pairs := list }}
{{- range $registry, $server := .Values.registries.tokenServers }}
{{- $pairs = append $pairs (printf "%s=%s" $registry $server) }}
{{- end }}
- name: SNC_REGISTRY_TOKEN_SERVERS
  value: {{ join "," $pairs | quote }}
{{- end }}
{{- end }}

{{- define "snc.registries.mounts" -}}
{{- if .Values.registries.credentialsSecret }}
- name: registry-credentials
  mountPath: /etc/snc/registry-credentials
  readOnly: true
{{- end }}
{{- if .Values.registries.authoritiesConfigMap }}
- name: registry-authorities
  mountPath: /etc/snc/registry-authorities
  readOnly: true
{{- end }}
{{- end }}

{{- define "snc.registries.volumes" -}}
{{- with .Values.registries.credentialsSecret }}
- name: registry-credentials
  secret:
    secretName: {{ . }}
    # Without it registries are asked by nobody's name, and our pods run all the same.
    optional: true
{{- end }}
{{- with .Values.registries.authoritiesConfigMap }}
- name: registry-authorities
  configMap:
    name: {{ . }}
    optional: true
{{- end }}
{{- end }}
