package dev.sennit.cli.services;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ServeCommandTest {
    @ParameterizedTest
    @CsvSource({"Shop, Shop", "my shop, my-shop", "Outer$App, Outer-App", "_App, App", "$, app", "caf\u00e9, caf-"})
    void anyApplicationHasANameForItsManager(String name, String expected) {
        assertThat(ServeCommand.managerName(name)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"70, 64", "64, 64"})
    void longNamesAreCut(int length, int expected) {
        assertThat(ServeCommand.managerName("a".repeat(length))).hasSize(expected);
    }
}
