package dev.sennit.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InvalidClassException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JvmFilterTest {
    private static final InvalidClassException REFUSED = new InvalidClassException("filter status: REJECTED");

    @ParameterizedTest
    @CsvSource({
        "java.util.concurrent.TimeUnit, java.util.concurrent.*;dev.sennit.**;java.lang.invoke.*",
        "[[Ljava.math.BigInteger;, java.math.*;dev.sennit.**;java.lang.invoke.*",
        "dev.sennit.Task, dev.sennit.**",
    })
    void thePatternToAddIsNamed(String type, String pattern) throws Exception {
        assertThat(JvmFilter.explanation(REFUSED, Class.forName(type)))
                .hasMessageContaining("jdk.serialFilter")
                .hasMessageContaining("add \"" + pattern + "\" before what refuses it")
                .hasCause(REFUSED);
    }

    @Test
    void whatIsNotAClassIsALimit() {
        assertThat(JvmFilter.explanation(REFUSED, null)).hasMessageEndingWith("raise its limits");
        assertThat(JvmFilter.explanation(REFUSED, long[].class)).hasMessageEndingWith("raise its limits")
                .hasMessageStartingWith("a task is larger");
    }

    @Test
    void otherFailuresStayAsTheyAre() {
        assertThat(JvmFilter.explained(REFUSED, TimeUnit.class)).as("no such filter here").isSameAs(REFUSED);
    }
}
