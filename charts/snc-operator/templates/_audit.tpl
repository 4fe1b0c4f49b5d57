{{/* Its own name: what selects the operator's pods must not select these. */}}
{{- define "snc.audit.selector" -}}
app.kubernetes.io/name: snc-audit-sink
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "snc.audit.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{ include "snc.audit.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "snc.audit.tail.selector" -}}
app.kubernetes.io/name: snc-audit-tail
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "snc.audit.tail.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{ include "snc.audit.tail.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Fixed: the guards let this ServiceAccount write what the sink finds, `kubectl snc logs` looks for the Service of this name, and
certificates are for the names of both Services. */}}
{{- define "snc.audit.name" -}}snc-audit-sink{{- end }}
{{- define "snc.audit.intake" -}}snc-audit-intake{{- end }}
{{- define "snc.audit.namespace" -}}snc-audit{{- end }}

{{- define "snc.audit.serverSecret" -}}
{{- if .Values.auditLog.certificates.certManager.enabled -}}
snc-audit-sink-tls
{{- else -}}
{{- required "auditLog.certificates.serverSecret: empty; accepted: a Secret with tls.crt and tls.key, or auditLog.certificates.certManager.enabled: true" .Values.auditLog.certificates.serverSecret -}}
{{- end -}}
{{- end }}

{{/* Of cert-manager, every Secret holds the authority that signed it. */}}
{{- define "snc.audit.clientAuthoritySecret" -}}
{{- if .Values.auditLog.certificates.certManager.enabled -}}
snc-audit-sink-tls
{{- else -}}
{{- required "auditLog.certificates.clientAuthoritySecret: empty; accepted: a Secret with ca.crt, or auditLog.certificates.certManager.enabled: true" .Values.auditLog.certificates.clientAuthoritySecret -}}
{{- end -}}
{{- end }}

{{/* Where a store is, for one of store and anchor: prefix of the variables, and the values. */}}
{{- define "snc.audit.place.env" -}}
{{- $name := index . 0 }}
{{- $place := index . 1 }}
{{- if $place.url }}
- name: SNC_AUDIT_{{ upper $name }}
  value: {{ $place.url | quote }}
{{- with $place.endpoint }}
- name: SNC_AUDIT_{{ upper $name }}_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- with $place.region }}
- name: SNC_AUDIT_{{ upper $name }}_REGION
  value: {{ . | quote }}
{{- end }}
{{- if $place.credentialsSecret }}
- name: SNC_AUDIT_{{ upper $name }}_CREDENTIALS
  value: /etc/snc/{{ $name }}-credentials
{{- end }}
{{- if $place.authoritiesConfigMap }}
- name: SNC_AUDIT_{{ upper $name }}_CA
  value: /etc/snc/{{ $name }}-authorities/ca.crt
{{- end }}
{{- end }}
{{- end }}

{{- define "snc.audit.place.mounts" -}}
{{- $name := index . 0 }}
{{- $place := index . 1 }}
{{- if and $place.url $place.credentialsSecret }}
- name: {{ $name }}-credentials
  mountPath: /etc/snc/{{ $name }}-credentials
  readOnly: true
{{- end }}
{{- if and $place.url $place.authoritiesConfigMap }}
- name: {{ $name }}-authorities
  mountPath: /etc/snc/{{ $name }}-authorities
  readOnly: true
{{- end }}
{{- end }}

{{- define "snc.audit.place.volumes" -}}
{{- $name := index . 0 }}
{{- $place := index . 1 }}
{{- if and $place.url $place.credentialsSecret }}
- name: {{ $name }}-credentials
  secret:
    secretName: {{ $place.credentialsSecret }}
    defaultMode: 0440
{{- end }}
{{- if and $place.url $place.authoritiesConfigMap }}
- name: {{ $name }}-authorities
  configMap:
    name: {{ $place.authoritiesConfigMap }}
{{- end }}
{{- end }}
