# METADATA
# title: Tests of tags
# description: Which tagged data goes to whom, over the shipped domains.
package lockgate.tests.tags_test

import future.keywords.not

import data.lockgate.main
import data.lockgate.tests.asking

refused := {
	"tlp.red", "tlp.amber", "tlp.amber_strict", "tlp.amber+strict", "cui.basic", "cui.specified",
	"national.restricted", "national.top_secret", "company.confidential", "company.restricted",
	"customer.data", "research.unpublished", "hr.compensation", "legal.privileged", "finance.insider",
	"security.incident", "product.source_code", "hr", "TLP.RED", "Company.Confidential",
}

test_restricted_tag_goes_nowhere[tag] if {
	some tag in refused
	decision := asking.decide(asking.tagged(asking.question, tag))
	decision.action == "block"
	not "tags.unknown" in asking.rules(decision)
}

test_public_tag_passes if {
	every tag in ["tlp.clear", "tlp.white", "company.public", "public"] {
		asking.decide(asking.tagged(asking.question, tag)).action == "allow"
	}
}

test_unknown_tag_goes_nowhere if {
	every tag in ["acme.moonshot", "", "publicc", "*", "tlp.clear\n"] {
		decision := asking.decide(asking.tagged(asking.question, tag))
		"tags.unknown" in asking.rules(decision)
	}
}

owners := {
	"hr": "hr.compensation",
	"legal": "legal.privileged",
	"finance": "finance.forecast",
	"security": "security.vulnerability",
	"engineering": "product.source_code",
}

test_owner_may_send_to_a_contracted_provider[role] if {
	some role, tag in owners
	asking.decide(asking.tagged(asking.of("olga", [role]), tag)).action == "allow"
}

test_nobody_else_may[name] if {
	some role, tag in owners
	some other in ((object.keys(owners) | {"contractor", "chess"}) - {role})
	name := concat(" ", [other, tag])
	decision := asking.decide(asking.tagged(asking.of("olga", [other]), tag))
	decision.action == "block"
}

test_owner_may_not_send_where_no_contract_binds if {
	asked := asking.tagged(asking.of("hana", ["hr"]), "hr.compensation")
	decision := main.decision with input as asked
		with data.lockgate.config as asking.set("providers/openai/tiers/api/contract", false)
	asking.rules(decision) == {"tags.hr"}
}

test_internal_needs_a_contract if {
	asked := asking.tagged(asking.question, "company.internal")
	asking.decide(asked).action == "allow"
	decision := main.decision with input as asked
		with data.lockgate.config as asking.set("providers/openai/tiers/api/contract", false)
	decision.action == "block"
}

test_block_says_whom_to_ask if {
	decision := asking.decide(asking.tagged(asking.of("erin", ["engineering"]), "hr.compensation"))
	contains(asking.told(decision), "Ask the HR department")
}

test_tag_of_a_finding_counts if {
	tag := object.union(asking.finding("TAG", "tag"), {"tag": "tlp.red", "score": 0.1})
	decision := asking.decide(asking.holding(asking.question, [tag]))
	asking.rules(decision) == {"tags.restricted"}
}

test_public_tag_does_not_excuse_another if {
	asked := asking.with_value(asking.question, "content/tags", ["company.public", "tlp.red"])
	asking.decide(asked).action == "block"
}

test_every_domain_that_names_a_tag_must_agree if {
	asked := asking.tagged(asking.of("hana", ["hr"]), "hr.compensation")
	decision := main.decision with input as asked with data.lockgate.config as asking.set("domains/board", {
		"title": "a matter of the board",
		"tags": ["*.compensation"],
		"roles": [],
		"providers": "none",
		"ask": "the board",
	})
	asking.rules(decision) == {"tags.board"}
}

test_domain_with_gaps_refuses if {
	every domain in [{"tags": ["x"]}, {"tags": ["x"], "roles": ["*"]}, {"tags": ["x"], "providers": "any"}] {
		decision := main.decision with input as asking.tagged(asking.question, "x")
			with data.lockgate.config as asking.set("domains", {"gap": domain})
		decision.action == "block"
	}
}

test_lost_table_refuses_every_tag if {
	decision := main.decision with input as asking.tagged(asking.question, "tlp.clear")
		with data.lockgate.config as asking.set("domains", {})
	asking.rules(decision) == {"tags.unknown"}
}

test_answer_is_not_asked_for_tags if {
	asking.decide(asking.with_value(asking.tagged(asking.question, "tlp.red"), "phase", "response")).action == "allow"
}
