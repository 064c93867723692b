package dev.sennit.manager;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.manager.wire.MethodTable;
import java.util.Comparator;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;

class MethodTableTest {
    interface Parent {
        int inherited(String text);
    }

    interface Some extends Parent {
        void waits() throws InterruptedException;

        String both(int number);

        String both(long number);

        @Override
        boolean equals(Object other);

        default String given() {
            return both(1);
        }

        static void ofItsOwn() {}
    }

    /** As {@link Some}, but for one result type. */
    interface Newer extends Parent {
        void waits() throws InterruptedException;

        String both(int number);

        Object both(long number);
    }

    private static int numberOf(Class<?> type, String method, Class<?>... parameters) throws NoSuchMethodException {
        return MethodTable.of(type).numberOf(type.getMethod(method, parameters));
    }

    @Test
    void numbersTheAbstractMethodsByTheirSignature() throws Exception {
        assertThat(numberOf(Some.class, "both", int.class)).isEqualTo(0);
        assertThat(numberOf(Some.class, "both", long.class)).isEqualTo(1);
        assertThat(numberOf(Some.class, "inherited", String.class)).isEqualTo(2);
        assertThat(numberOf(Some.class, "waits")).isEqualTo(3);
        assertThat(MethodTable.of(Some.class).method(3).getName()).isEqualTo("waits");
        assertThatThrownBy(() -> numberOf(Some.class, "given")).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> numberOf(Some.class, "equals", Object.class))
                .isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void aNumberFromElsewhereHasNoMethod() {
        MethodTable table = MethodTable.of(Some.class);
        assertThat(table.method(-1)).isNull();
        assertThat(table.method(4)).isNull();
        assertThat(table.method(Integer.MAX_VALUE)).isNull();
    }

    @Test
    void knowsWhatAnInterruptMayEnd() throws Exception {
        assertThat(MethodTable.of(Some.class).isInterruptible(3)).isTrue();
        assertThat(MethodTable.of(Some.class).isInterruptible(0)).isFalse();
        assertThat(MethodTable.of(Callable.class).isInterruptible(0)).as("throws Exception").isTrue();
        assertThat(MethodTable.of(BlockingQueue.class).isInterruptible(numberOf(BlockingQueue.class, "take"))).isTrue();
    }

    @Test
    void tellsVersionsApart() {
        assertThat(MethodTable.of(Some.class).fingerprint()).isEqualTo(MethodTable.of(Some.class).fingerprint());
        assertThat(MethodTable.of(Some.class).fingerprint()).isNotEqualTo(MethodTable.of(Newer.class).fingerprint());
    }

    @Test
    void onlyInterfacesHaveOne() {
        assertThatThrownBy(() -> MethodTable.of(String.class)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("must be an interface");
        assertThatThrownBy(() -> MethodTable.of(Override.class)).isInstanceOf(IllegalArgumentException.class);
        assertThat(MethodTable.of(Comparator.class).method(0)).isNotNull();
    }

    /** Their numbers are what goes over the line. */
    @Test
    void everyKindHasATableInWhichNoMethodIsTwice() {
        for (ManagedKind kind : ManagedKind.values()) {
            assertThat(kind.methods().method(0)).as("%s", kind).isNotNull();
        }
    }
}
