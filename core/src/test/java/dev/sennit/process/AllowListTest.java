package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.InvalidClassException;
import java.lang.classfile.ClassFile;
import java.lang.constant.ClassDesc;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is allowed is checked when it is said, and what is advised is allowed. */
class AllowListTest {

    @ParameterizedTest
    @ValueSource(strings = {"", "*", "**", ".*", ".**", "..*", "com..acme.*", "com.acme.", ".Money", "com.acme.***", "com.*.Money", "1com.Money", "a b"})
    void whatNamesNothingIsRefusedWhereverItIsGiven(String pattern) {
        List<ThrowingCallable> ways = List.of(
                () -> ProcessPool.builder().allow(pattern),
                () -> WorkerProcess.builder().allow(pattern),
                () -> ManagerServer.builder().allow(pattern),
                () -> ManagerAddress.remote(new InetSocketAddress(1), new byte[16], pattern),
                () -> SharedQueue.create(1, 16, pattern),
                () -> new AllowList(List.of()).and(pattern));
        for (ThrowingCallable way : ways) {
            assertThatThrownBy(way)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("allow must be a class, package.* or package.**, such as com.acme.Money, com.acme.* or com.acme.**, was \""
                            + pattern + "\"");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Money", "com.acme.Money", "com.acme.Money$1", "com.acme.*", "com.acme.**", "_a.$b", "größe.Maß"})
    void whatNamesSomethingIsTaken(String pattern) {
        assertThatCode(() -> ProcessPool.builder().allow(pattern)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(strings = {"Money", "Money$Part", "com.acme.Money", "größe.Maß"})
    void whatIsAdvisedCanBeDoneAndHelps(String name) throws Exception {
        Class<?> type = new Defining().define(name);
        Matcher advice = Pattern.compile("add it with allow\\((.*)\\)").matcher(refusal(type));
        assertThat(advice.find()).isTrue();
        new AllowList(List.of()).and(advice.group(1)).require(type);
    }

    private static String refusal(Class<?> type) {
        try {
            new AllowList(List.of()).require(type);
            throw new AssertionError(type + " is allowed");
        } catch (InvalidClassException e) {
            return e.getMessage();
        }
    }

    private static final class Defining extends ClassLoader {
        Class<?> define(String name) {
            byte[] bytes = ClassFile.of().build(ClassDesc.of(name), empty -> {});
            return defineClass(name, bytes, 0, bytes.length);
        }
    }
}
