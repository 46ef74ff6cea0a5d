# METADATA
# title: Caps on parameters and size
# description: A parameter above its cap is lowered; what the request does not set is left to the provider.
package lockgate.rules.limits

import future.keywords.not

import data.lockgate.identity
import data.lockgate.lib

limits := object.union(
	lib.config(["limits", "default"], {}),
	lib.config(["limits", "roles", identity.role], {}),
)

verdicts contains {
	"rule": concat(".", ["limits", parameter]),
	"action": "warn",
	"message": concat("", [parameter, " is above the cap of role ", identity.role]),
	"user_message": concat("", [parameter, " was lowered to ", json.marshal(cap), ", the most your role may set."]),
	"obligations": [{"type": "cap", "parameter": parameter, "value": cap}],
} if {
	lib.phase == "request"
	some parameter in {"temperature", "max_tokens"}
	cap := object.get(limits, parameter, null)
	cap != null
	value := object.get(input, ["parameters", parameter], null)
	value != null
	value > cap
}

verdicts contains {
	"rule": "limits.kilobytes",
	"action": "block",
	"message": concat("", ["the request is larger than role ", identity.role, " may send"]),
	"user_message": concat("", ["The request is larger than the ", json.marshal(cap), " kB your role may send."]),
} if {
	lib.phase == "request"
	cap := object.get(limits, "kilobytes", null)
	cap != null
	not object.get(input, ["content", "kilobytes"], null) <= cap
}
