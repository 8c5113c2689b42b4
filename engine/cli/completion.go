package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
)

// words are what a flag may say, for a shell to complete.
func words(c *cobra.Command, flag string, all ...string) {
	c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(all, cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that is not there
}

func typeWords(c *cobra.Command)   { words(c, "type", strings.Split(typeNames(), ", ")...) }
func sampleWords(c *cobra.Command) { words(c, "sample", sample.Names()...) }

// hookWords are the hooks of the policy folder that is the verb's argument.
func (p *Program) hookWords(c *cobra.Command) {
	c.RegisterFlagCompletionFunc("hook", func(_ *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		folder, err := rules.Read(args[0])
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		o, err := p.checking(folder)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		set, err := rules.Load(folder, o)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer set.Close()
		for _, h := range set.Hooks() {
			names = append(names, h.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
}
