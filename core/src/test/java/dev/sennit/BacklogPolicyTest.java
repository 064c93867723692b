package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class BacklogPolicyTest {
    @ParameterizedTest
    @EnumSource
    void isReadAsItIsWritten(BacklogPolicy policy) {
        assertThat(BacklogPolicy.parse(policy.toString())).isSameAs(policy);
    }

    @Test
    void plansWriteThemInSmallLetters() {
        assertThat(BacklogPolicy.values()).extracting(BacklogPolicy::toString).containsExactly("block", "reject",
                "caller-runs");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "BLOCK", "caller_runs", "drop"})
    void anythingElseIsRefused(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> BacklogPolicy.parse(text))
                .withMessage("full must be block, reject or caller-runs, was \"" + text + "\"");
    }
}
