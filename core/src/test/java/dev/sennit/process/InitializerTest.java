package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.codec.AllowList;
import dev.sennit.codec.AllowListTest;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What an initializer tells before any worker runs it. */
class InitializerTest {
    private static final String JAR = "file:/srv/lib/dto.jar";

    @Test
    void itsListGetsWhatItSends() throws Exception {
        var loader = new AllowListTest.Defining();
        Object sent = loader.define("lib.Money", JAR).getConstructor().newInstance();
        AllowList list = AllowList.forWorkers(List.of());
        assertThat(AllowListTest.allows(list, loader.define("lib.Price", JAR))).isFalse();
        var unused = new Initializer(() -> sent.hashCode(), list);
        assertThat(AllowListTest.allows(list, loader.define("lib.Price2", JAR))).isTrue();
    }
}
