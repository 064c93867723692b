package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PlanTest {
    @Test
    void hasAKindAnArgumentAndOptions() {
        Plan plan = Plan.parse("processes:4?heap=256m&backlog=100");

        assertThat(plan.kind()).isEqualTo("processes");
        assertThat(plan.argument()).isEqualTo("4");
        assertThat(plan.options()).containsExactly(entry("heap", "256m"), entry("backlog", "100"));
    }

    @Test
    void argumentAndOptionsMayBeLeftOut() {
        assertThat(Plan.parse("inline")).isEqualTo(new Plan("inline", null, Map.of()));
        assertThat(Plan.parse("threads:8")).isEqualTo(new Plan("threads", "8", Map.of()));
        assertThat(Plan.parse("virtual?name=x")).isEqualTo(new Plan("virtual", null, Map.of("name", "x")));
    }

    @Test
    void onlyTheFirstColonAndQuestionMarkDivide() {
        Plan plan = Plan.parse("redis://host:6379/0?password=a?b=c:d");

        assertThat(plan.kind()).isEqualTo("redis");
        assertThat(plan.argument()).isEqualTo("//host:6379/0");
        assertThat(plan.options()).containsExactly(entry("password", "a?b=c:d"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:8", "virtual?name=x", "processes:4?heap=256m&backlog=100&name=a=b"})
    void isWrittenAsItWasRead(String text) {
        assertThat(Plan.parse(text)).hasToString(text);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "''              | no kind of pool is named",
        ":8              | no kind of pool is named",
        "?name=x         | no kind of pool is named",
        "threads:        | nothing follows the colon",
        "threads:?name=x | nothing follows the colon",
        "threads?        | expected NAME=VALUE after ? and &, was \"\"",
        "threads?name    | expected NAME=VALUE after ? and &, was \"name\"",
        "threads?name=   | expected NAME=VALUE after ? and &, was \"name=\"",
        "threads?=x      | expected NAME=VALUE after ? and &, was \"=x\"",
        "threads?a=1&    | expected NAME=VALUE after ? and &, was \"\"",
        "threads?a=1&a=2 | option a is given twice"
    })
    void saysWhatIsWrong(String text, String what) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Plan.parse(text))
                .withMessage("plan \"" + text + "\": " + what);
    }

    @Test
    void copiesItsOptions() {
        Map<String, String> options = new LinkedHashMap<>(Map.of("a", "1"));
        Plan plan = new Plan("kind", null, options);
        options.put("b", "2");

        assertThat(plan.options()).containsExactly(entry("a", "1"));
        assertThatThrownBy(() -> plan.options().put("c", "3")).isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void nullIsRefused() {
        assertThatNullPointerException().isThrownBy(() -> Plan.parse(null));
        assertThatNullPointerException().isThrownBy(() -> new Plan(null, null, Map.of()));
        assertThatNullPointerException().isThrownBy(() -> new Plan("kind", null, null));
    }
}
