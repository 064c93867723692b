package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.concurrent.CompletionException;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** What code of the JDK gets from a body that throws. */
class UncheckedTest {
    private static final Action REFUSING = () -> {
        throw new IOException("refused");
    };
    private static final Function<String, String> FUNCTION = (TaskFunction<String, String>) item -> {
        throw new IOException(item);
    };
    private static final BiFunction<String, String, String> PAIR = (TaskBiFunction<String, String, String>) (a, b) -> {
        throw new IOException(a + b);
    };
    private static final Consumer<String> CONSUMER = (ItemAction<String>) item -> {
        throw new IOException(item);
    };

    @Test
    void aCheckedExceptionIsACause() {
        assertThatThrownBy(REFUSING::run).isInstanceOf(CompletionException.class).cause().hasMessage("refused");
        assertThatThrownBy(() -> FUNCTION.apply("a")).isInstanceOf(CompletionException.class).cause().hasMessage("a");
        assertThatThrownBy(() -> PAIR.apply("a", "b")).isInstanceOf(CompletionException.class).cause().hasMessage("ab");
        assertThatThrownBy(() -> CONSUMER.accept("c")).isInstanceOf(CompletionException.class).cause().hasMessage("c");
        assertThatThrownBy(REFUSING::perform).isInstanceOf(IOException.class);
    }

    @Test
    void anUncheckedOneGoesThrough() {
        var problem = new IllegalStateException("as it is");
        Action throwing = () -> {
            throw problem;
        };
        assertThatThrownBy(throwing::run).isSameAs(problem);
    }

    @Test
    void anInterruptIsNotLost() {
        Action interrupted = () -> {
            throw new InterruptedException();
        };
        assertThatThrownBy(interrupted::run).isInstanceOf(CompletionException.class);
        assertThat(Thread.interrupted()).isTrue();
    }
}
