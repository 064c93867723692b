package dev.sennit.adoption;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests of applications, as Surefire runs them. */
@Timeout(1800) // the first builds all projects
class SurefireIT {
    @Test
    void classPath() throws Exception {
        assertThat(OutsideProjects.testsOf("surefire-class-path")).isEqualTo(2);
    }

    @Test
    void modulePath() throws Exception {
        assertThat(OutsideProjects.testsOf("surefire-module-path")).isEqualTo(2);
    }

    @Test
    void withoutFork() throws Exception {
        assertThat(OutsideProjects.testsOf("surefire-fork-count-0")).isEqualTo(2);
    }

    @Test
    void schedules() throws Exception {
        assertThat(OutsideProjects.testsOf("schedules")).isEqualTo(1);
    }

    @Test
    void contractOfPools() throws Exception {
        assertThat(OutsideProjects.testsOf("own-kind")).isGreaterThan(200);
    }
}
