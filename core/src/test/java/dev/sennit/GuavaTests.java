package dev.sennit;

import java.util.Collections;
import junit.framework.TestFailure;
import junit.framework.TestResult;
import junit.framework.TestSuite;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;

/** Guava's tests of collections, which are of an older JUnit, run one by one. */
public final class GuavaTests {
    private GuavaTests() {}

    public static DynamicNode node(junit.framework.Test test) {
        if (test instanceof TestSuite suite) {
            return DynamicContainer.dynamicContainer(
                    suite.getName(), Collections.list(suite.tests()).stream().map(GuavaTests::node));
        }
        return DynamicTest.dynamicTest(test.toString(), () -> {
            var result = new TestResult();
            test.run(result);
            for (TestFailure failure : Collections.list(result.failures())) {
                throw failure.thrownException();
            }
            for (TestFailure failure : Collections.list(result.errors())) {
                throw failure.thrownException();
            }
        });
    }
}
