{{- define "snc.canary.owner" -}}
secnumcloud.dev/owner: {{ .Values.canary.owner | quote }}
secnumcloud.dev/contact: {{ .Values.canary.contact | quote }}
{{- end }}

{{/*
  Whether the namespace gets labels that only the operator may set once its guard stands. A release that made the namespace
  with them goes on having them, and one that did not never gets them: neither an upgrade nor a rollback changes any.
*/}}
{{- define "snc.canary.labelled" -}}
{{- $live := lookup "v1" "Namespace" "" .Values.canary.namespace -}}
{{- if $live -}}
{{- if hasKey (default dict $live.metadata.annotations) "secnumcloud.dev/labelled-by" }}true{{ end -}}
{{- else if .Values.canary.labels -}}
{{- $guard := "namespace-guard.secnumcloud.dev" -}}
{{- if not (lookup "admissionregistration.k8s.io/v1" "ValidatingAdmissionPolicy" "" $guard) }}true{{ end -}}
{{- end -}}
{{- end }}
